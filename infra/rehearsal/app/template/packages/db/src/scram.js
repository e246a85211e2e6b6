// The client's half of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), as PostgreSQL asks for it.
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

export const MECHANISM = "SCRAM-SHA-256";
/** "n,," in base64: no channel binding. */
const CHANNEL_BINDING = "biws";
const KEY_BYTES = 32;

const derive = promisify(pbkdf2);
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

function parseAttributes(message) {
  return Object.fromEntries(message.split(",").map((field) => [field[0], field.slice(2)]));
}

/** The first message and the state that the later steps need. PostgreSQL takes the user from the start-up packet. */
export function begin(user = "", nonce = randomBytes(18).toString("base64")) {
  const bare = `n=${user},r=${nonce}`;
  return { nonce, bare, message: `n,,${bare}` };
}

/** The proof for the server's challenge, and the signature that the server must answer with. */
export async function respond(state, password, challenge) {
  const { r: nonce, s: salt, i: iterations } = parseAttributes(challenge);
  if (!nonce?.startsWith(state.nonce)) throw new Error("the server answered another client's login");
  const rounds = Number(iterations);
  const salted = await derive(password, Buffer.from(salt, "base64"), rounds, KEY_BYTES, "sha256");
  const clientKey = hmac(salted, "Client Key");
  const storedKey = createHash("sha256").update(clientKey).digest();
  const unproven = `c=${CHANNEL_BINDING},r=${nonce}`;
  const transcript = `${state.bare},${challenge},${unproven}`;
  const signature = hmac(storedKey, transcript);
  const proof = clientKey.map((byte, position) => byte ^ signature[position]);
  return {
    message: `${unproven},p=${proof.toString("base64")}`,
    serverSignature: hmac(hmac(salted, "Server Key"), transcript),
  };
}

/** Throws unless the server proved that it knows the password too. */
export function verifyServer(expected, finalMessage) {
  const given = Buffer.from(parseAttributes(finalMessage).v ?? "", "base64");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Error("the server could not prove that it knows the password");
  }
}
