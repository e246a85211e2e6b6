// PostgreSQL's frontend/backend protocol 3.0 as values: bytes in, messages out. Nothing here touches a socket.

const PROTOCOL_VERSION = 196608;
/** Type numbers whose text form is a small whole number: int2, int4. */
const WHOLE_NUMBER_TYPES = new Set([21, 23]);
const NUL = "\0";

const text = (value) => Buffer.from(`${value}${NUL}`, "utf8");

function int16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A message of the client: its letter ("" for the start-up packet), its length, its parts. */
function message(letter, ...parts) {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(letter), int32(body.length + 4), body]);
}

export const startup = (user, database) =>
  message("", int32(PROTOCOL_VERSION), text("user"), text(user), text("database"), text(database), text(""));

export const saslInitial = (mechanism, response) =>
  message("p", text(mechanism), int32(Buffer.byteLength(response)), Buffer.from(response));

export const saslResponse = (response) => message("p", Buffer.from(response));

/** Several statements at once are fine here, parameters are not. */
export const simpleQuery = (sql) => message("Q", text(sql));

export const terminate = () => message("X");

function bindValue(value) {
  if (value === null || value === undefined) return int32(-1);
  const bytes = Buffer.from(String(value), "utf8");
  return Buffer.concat([int32(bytes.length), bytes]);
}

/** One statement with parameters: parse, bind, describe, execute, sync, all sent together. */
export const preparedQuery = (sql, values) =>
  Buffer.concat([
    message("P", text(""), text(sql), int16(0)),
    message("B", text(""), text(""), int16(0), int16(values.length), ...values.map(bindValue), int16(0)),
    message("D", Buffer.from("P"), text("")),
    message("E", text(""), int32(0)),
    message("S"),
  ]);

/** Whole messages of the server at the head of `bytes`, and the rest that is still incomplete. */
export function splitMessages(bytes) {
  const messages = [];
  let offset = 0;
  while (bytes.length - offset >= 5) {
    const end = offset + 1 + bytes.readInt32BE(offset + 1);
    if (bytes.length < end) break;
    messages.push({ letter: String.fromCharCode(bytes[offset]), body: bytes.subarray(offset + 5, end) });
    offset = end;
  }
  return { messages, rest: bytes.subarray(offset) };
}

/** Name and reader of each column of a result. */
export function parseColumns(body) {
  const columns = [];
  let offset = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const end = body.indexOf(0, offset);
    const type = body.readInt32BE(end + 7);
    const read = WHOLE_NUMBER_TYPES.has(type) ? Number : String;
    columns.push({ name: body.toString("utf8", offset, end), read });
    offset = end + 19;
  }
  return columns;
}

/** One row by column name; everything but small whole numbers stays text. */
export function parseRow(body, columns) {
  const row = {};
  let offset = 2;
  for (const { name, read } of columns) {
    const length = body.readInt32BE(offset);
    const start = offset + 4;
    offset = start + Math.max(length, 0);
    row[name] = length < 0 ? null : read(body.toString("utf8", start, offset));
  }
  return row;
}

/** A server's complaint with its SQLSTATE as `code`. */
export function parseError(body) {
  const fields = {};
  for (const field of body.toString("utf8").split(NUL)) {
    if (field) fields[field[0]] = field.slice(1);
  }
  return Object.assign(new Error(`${fields.M} (SQLSTATE ${fields.C})`), { code: fields.C });
}
