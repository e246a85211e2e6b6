// Speaks Typesense's port, health and refusal of a wrong key. Like the real one it does not start
// without a data directory and a key, from an option or from TYPESENSE_*.
const { existsSync } = require('node:fs');
const http = require('node:http');

function option(name) {
  const given = process.argv.join('\0').match(new RegExp(`--${name}[=\0]([^\0]+)`));
  return given ? given[1] : process.env[`TYPESENSE_${name.toUpperCase().replaceAll('-', '_')}`];
}

const key = option('api-key');
const directory = option('data-dir');
if (!key || !directory || !existsSync(directory)) {
  console.error('typesense: --api-key and an existing --data-dir are required');
  process.exit(1);
}

const server = http.createServer((request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  };
  if (request.url === '/health') return answer(200, { ok: true });
  if (request.headers['x-typesense-api-key'] !== key) {
    return answer(401, { message: 'Forbidden - a valid `x-typesense-api-key` header must be sent.' });
  }
  if (request.url === '/collections') return answer(200, []);
  return answer(404, { message: 'Not Found' });
});
server.listen(Number(option('api-port') ?? 8108), '0.0.0.0');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
