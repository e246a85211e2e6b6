// The web server: answers requests until it is asked to stop, then finishes those under way.
import http from "node:http";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { getLogger } from "../../../packages/logger/src/logger.js";
import { answer } from "./routes.js";

const DEFAULT_PORT = 3000;
/** How soon a connection is closed after its last answer, once the server is stopping. */
const SWEEP_EVERY_MS = 50;
/** After this an answer under way is cut; longer than any route takes by itself except /api/slow. */
const STOP_WITHIN_MS = 30_000;

const log = getLogger("web");

async function send(response, { status, type, body }) {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  const whole = typeof body === "string" || Buffer.isBuffer(body);
  if (whole) response.end(body);
  else await pipeline(Readable.from(body), response);
}

function sendFailure(response, error) {
  log.error("A request failed", { reason: error.message });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(error.status ?? 500, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: error.status ? error.message : "the request failed; see the log" }));
}

async function serve(request, response) {
  try {
    await send(response, await answer(request));
  } catch (error) {
    sendFailure(response, error);
  }
}

async function stop(server) {
  log.info("Stopping");
  const cut = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
  // A connection that is busy now becomes idle later, and a client that keeps it busy is told to come back elsewhere.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS);
  server.prependListener("request", (request, response) => response.setHeader("connection", "close"));
  server.close();
  await once(server, "close");
  clearInterval(sweep);
  clearTimeout(cut);
  log.info("Stopped");
  process.exit(0);
}

const server = http.createServer(serve);
server.listen(Number(process.env.PORT ?? DEFAULT_PORT), process.env.HOSTNAME, () => {
  log.info("Listening", { port: server.address().port });
});
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stop(server));
