// Reads what a client sends, within a bound.

const MAX_BODY_BYTES = 1024 * 1024;

/** Stands for a body that is no JSON. */
export const MALFORMED = Symbol("malformed");

/** The error of a body beyond the bound; `status` is what the client is told. */
export class BodyTooLarge extends Error {
  status = 413;

  constructor() {
    super(`the body is larger than ${MAX_BODY_BYTES} bytes`);
  }
}

/** All bytes of the request. */
export async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The request's JSON value, or MALFORMED. */
export async function readJson(request) {
  const bytes = await readBody(request);
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return MALFORMED;
  }
}
