// Speaks the port and the health of the Inngest server.
const http = require('node:http');

const server = http.createServer((request, response) => {
  const known = request.url === '/health';
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(known ? { status: 200, message: 'OK' } : { error: 'not found' }));
});
server.listen(8288, '0.0.0.0');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
