// One PostgreSQL session over TCP. Plain text on the wire by design: the Cloud SQL Auth Proxy encrypts what leaves the host.
import net from "node:net";
import { begin, MECHANISM, respond, verifyServer } from "./scram.js";
import * as wire from "./wire.js";

const DEFAULT_PORT = 5432;
const CONNECT_TIMEOUT_MS = 5000;
const AUTHENTICATION = { ok: 0, sasl: 10, saslContinue: 11, saslFinal: 12 };

/** The server's messages in order, awaited one by one. */
class Inbox {
  #messages = [];
  #waiting = null;
  #failure = null;
  #rest = Buffer.alloc(0);

  constructor(socket) {
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the database closed the connection")));
  }

  #take(bytes) {
    const { messages, rest } = wire.splitMessages(Buffer.concat([this.#rest, bytes]));
    this.#rest = rest;
    this.#messages.push(...messages);
    this.#hand();
  }

  #fail(error) {
    this.#failure ??= error;
    this.#hand();
  }

  #hand() {
    if (!this.#waiting || (this.#messages.length === 0 && !this.#failure)) return;
    const { resolve, reject } = this.#waiting;
    this.#waiting = null;
    if (this.#messages.length > 0) resolve(this.#messages.shift());
    else reject(this.#failure);
  }

  next() {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#hand();
    });
  }
}

async function answerChallenge(socket, inbox, password) {
  const state = begin();
  socket.write(wire.saslInitial(MECHANISM, state.message));
  const challenge = await expectAuthentication(inbox, AUTHENTICATION.saslContinue);
  const { message, serverSignature } = await respond(state, password, challenge);
  socket.write(wire.saslResponse(message));
  verifyServer(serverSignature, await expectAuthentication(inbox, AUTHENTICATION.saslFinal));
  await expectAuthentication(inbox, AUTHENTICATION.ok);
}

async function expectAuthentication(inbox, ...kinds) {
  const { letter, body } = await inbox.next();
  if (letter === "E") throw wire.parseError(body);
  const kind = body.readInt32BE(0);
  if (letter !== "R" || !kinds.includes(kind)) {
    throw new Error(`the database asks for a login (${letter}${kind}) that this client does not speak`);
  }
  return kind === AUTHENTICATION.sasl ? kind : body.toString("utf8", 4);
}

async function logIn(socket, inbox, url) {
  const user = decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1)) || user;
  socket.write(wire.startup(user, database));
  const asked = await expectAuthentication(inbox, AUTHENTICATION.ok, AUTHENTICATION.sasl);
  if (asked === AUTHENTICATION.sasl) {
    await answerChallenge(socket, inbox, decodeURIComponent(url.password));
  }
}

/** Rows of the last statement, once the server is ready again; throws the first complaint. */
async function collect(inbox) {
  let columns = [];
  let rows = [];
  let complaint = null;
  for (;;) {
    const { letter, body } = await inbox.next();
    if (letter === "T") {
      columns = wire.parseColumns(body);
      rows = [];
    } else if (letter === "D") rows.push(wire.parseRow(body, columns));
    else if (letter === "E") complaint ??= wire.parseError(body);
    else if (letter === "Z") break;
  }
  if (complaint) throw complaint;
  return rows;
}

/** A session that runs one query at a time. */
class Connection {
  #socket;
  #inbox;

  constructor(socket, inbox) {
    this.#socket = socket;
    this.#inbox = inbox;
  }

  /** False once the connection is gone: it must not be used again. */
  get usable() {
    return !this.#socket.destroyed;
  }

  /** Rows of `sql`; `values` stand for $1, $2, ... and then `sql` must be a single statement. */
  async query(sql, values = []) {
    this.#socket.write(values.length > 0 ? wire.preparedQuery(sql, values) : wire.simpleQuery(sql));
    return collect(this.#inbox);
  }

  close() {
    this.#socket.end(wire.terminate());
  }

  /** Ends at once, whatever is under way. */
  destroy() {
    this.#socket.destroy();
  }
}

/** A logged-in connection to `databaseUrl` (postgresql://user:password@host:port/database). */
export async function connect(databaseUrl) {
  const url = new URL(databaseUrl);
  const socket = net.connect({ host: url.hostname, port: Number(url.port || DEFAULT_PORT), noDelay: true });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("the database does not answer")));
  const inbox = new Inbox(socket);
  try {
    await logIn(socket, inbox, url);
    await collect(inbox);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setTimeout(0);
  return new Connection(socket, inbox);
}
