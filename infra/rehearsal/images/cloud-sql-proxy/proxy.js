// Has the surface of the Cloud SQL Auth Proxy v2: --address, --port, --health-check, --http-address,
// --http-port and an instance. The real one opens mutual TLS to the instance; this one plain TCP.
const http = require('node:http');
const net = require('node:net');

const INSTANCE = /^[^:]+:[^:]+:[^:]+/;
const UPSTREAM = { host: 'cloud-sql.rehearsal', port: 5432 };

function option(name, otherwise) {
  const given = process.argv.join('\0').match(new RegExp(`--${name}[=\0]([^\0]+)`));
  const variable = `CSQL_PROXY_${name.toUpperCase().replaceAll('-', '_')}`;
  return given ? given[1] : (process.env[variable] ?? otherwise);
}

const instance =
  process.argv.slice(2).find((word) => !word.startsWith('-') && INSTANCE.test(word)) ??
  process.env.CSQL_PROXY_INSTANCE_CONNECTION_NAME;
if (!instance) {
  console.error('missing instance_connection_name (e.g., project:region:instance)');
  process.exit(1);
}

const proxy = net.createServer((client) => {
  const upstream = net.connect(UPSTREAM);
  client.pipe(upstream).pipe(client);
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
});
proxy.listen(Number(option('port', 5432)), option('address', '127.0.0.1'), () => {
  console.log(`[${instance}] The proxy has started successfully and is ready for new connections!`);
});

if (process.argv.includes('--health-check') || process.env.CSQL_PROXY_HEALTH_CHECK) {
  http
    .createServer((request, response) => {
      const answer = (status, body) => response.writeHead(status).end(body);
      if (request.url !== '/readiness') return answer(200, 'ok');
      const probe = net.connect(UPSTREAM);
      probe.on('connect', () => {
        probe.destroy();
        answer(200, 'ok');
      });
      probe.on('error', (error) => answer(503, error.message));
    })
    .listen(Number(option('http-port', 9090)), option('http-address', 'localhost'));
}
process.on('SIGTERM', () => process.exit(0));
