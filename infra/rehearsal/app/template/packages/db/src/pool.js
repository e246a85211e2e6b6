// Few connections, shared: each one costs the server a process.
import { connect } from "./connection.js";

const MAX_CONNECTIONS = 5;
/** A statement that takes longer holds a connection that others wait for. */
const STATEMENT_TIMEOUT_MS = 5000;

class Pool {
  #url;
  #idle = [];
  #waiting = [];
  #open = 0;

  constructor(url) {
    this.#url = url;
  }

  async #borrow() {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.usable) return idle;
      this.#open -= 1;
    }
    if (this.#open >= MAX_CONNECTIONS) {
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    return this.#connect();
  }

  async #connect() {
    this.#open += 1;
    try {
      return await connect(this.#url);
    } catch (error) {
      this.#open -= 1;
      this.#serveNext();
      throw error;
    }
  }

  #giveBack(connection) {
    if (!connection.usable) {
      this.#open -= 1;
      this.#serveNext();
      return;
    }
    const next = this.#waiting.shift();
    if (next) next.resolve(connection);
    else this.#idle.push(connection);
  }

  #serveNext() {
    const next = this.#waiting.shift();
    if (next) this.#connect().then(next.resolve, next.reject);
  }

  /** Rows of one statement on any connection. */
  async query(sql, values) {
    const connection = await this.#borrow();
    const timer = setTimeout(() => connection.destroy(), STATEMENT_TIMEOUT_MS);
    try {
      return await connection.query(sql, values);
    } finally {
      clearTimeout(timer);
      this.#giveBack(connection);
    }
  }

  /** Ends the idle connections; borrowed ones end with the process. */
  close() {
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}

const pools = new Map();

/** The pool of `url`: one for the life of the process. */
export function getPool(url) {
  if (!url) throw new Error("DATABASE_URL is not set");
  if (!pools.has(url)) pools.set(url, new Pool(url));
  return pools.get(url);
}
