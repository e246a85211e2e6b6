// What each address answers. A route takes a request and a URL and returns {status, type, body}; body is text, bytes or a
// stream of text.
import { renderPage } from "../../../packages/content/src/page.js";
import { parseDuration, slowLines } from "../../../packages/content/src/slow.js";
import { addNote, listNotes, parseNote } from "../../../packages/db/src/notes.js";
import { health } from "../../../packages/health/src/health.js";
import { MALFORMED, readBody, readJson } from "./body.js";

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json";
const TEXT = "text/plain; charset=utf-8";

const json = (status, value) => ({ status, type: JSON_TYPE, body: JSON.stringify(value) });

function getPage() {
  return { status: 200, type: HTML, body: renderPage(process.env.APP_VERSION || "development") };
}

async function getHealth() {
  const { status, body } = await health();
  return json(status, body);
}

function getSlow(request, url) {
  return { status: 200, type: TEXT, body: slowLines(parseDuration(url.searchParams.get("ms"))) };
}

async function postEcho(request) {
  const type = request.headers["content-type"] ?? "application/octet-stream";
  return { status: 200, type, body: await readBody(request) };
}

async function getNotes() {
  return json(200, await listNotes());
}

async function postNote(request) {
  const input = await readJson(request);
  const note = input === MALFORMED ? null : parseNote(input);
  if (!note) return json(400, { error: "a note is a JSON object with a text in body" });
  return json(201, await addNote(note));
}

/** Routes by path, then by method. */
export const ROUTES = {
  "/": { GET: getPage },
  "/api/health": { GET: getHealth },
  "/api/slow": { GET: getSlow },
  "/api/echo": { POST: postEcho },
  "/api/notes": { GET: getNotes, POST: postNote },
};

/** The answer to `request`; 404 and 405 where no route fits. */
export async function answer(request) {
  const url = new URL(request.url, "http://localhost");
  const methods = ROUTES[url.pathname];
  if (!methods) return json(404, { error: `nothing lives at ${url.pathname}` });
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = methods[method];
  return route ? route(request, url) : json(405, { error: `${request.method} is not answered here` });
}
