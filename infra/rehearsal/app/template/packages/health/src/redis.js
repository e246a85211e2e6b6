// PING over the Redis protocol (RESP), on a connection of its own: a probe must not queue behind the application's work.
import net from "node:net";
import tls from "node:tls";

const DEFAULT_PORT = 6379;

/** One RESP command; lengths are in bytes. */
export function encodeCommand(...words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

function commandsFor(url) {
  const password = decodeURIComponent(url.password);
  const user = decodeURIComponent(url.username);
  const login = password ? [encodeCommand("AUTH", ...(user ? [user] : []), password)] : [];
  return [...login, encodeCommand("PING")];
}

function open(url) {
  const address = { host: url.hostname, port: Number(url.port || DEFAULT_PORT) };
  return url.protocol === "rediss:"
    ? tls.connect({ ...address, servername: url.hostname })
    : net.connect(address);
}

/** Resolves when the server answered PONG; rejects with the reason otherwise, within `timeoutMs`. */
export function ping(redisUrl, timeoutMs) {
  const url = new URL(redisUrl);
  const commands = commandsFor(url);
  return new Promise((resolve, reject) => {
    const socket = open(url);
    let replies = "";
    const fail = (error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs} ms`)));
    socket.on("error", fail);
    socket.on("close", () => reject(new Error("the connection closed before an answer")));
    socket.on("data", (bytes) => {
      replies += bytes.toString("latin1");
      if (replies.startsWith("-") || replies.includes("\r\n-")) fail(new Error("the server refused"));
      if (!replies.endsWith("+PONG\r\n")) return;
      socket.destroy();
      resolve();
    });
    socket.write(commands.join(""));
  });
}
