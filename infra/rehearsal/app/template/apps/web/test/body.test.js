import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BodyTooLarge, MALFORMED, readBody, readJson } from "../src/body.js";

const request = (...chunks) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

test("a body is read whole, also in pieces that split a character", async () => {
  const bytes = Buffer.from("née");
  assert.equal((await readBody(Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]))).toString(), "née");
});

test("a body beyond the bound is refused as too large", async () => {
  await assert.rejects(readBody(request(Buffer.alloc(1024 * 1024), "x")), BodyTooLarge);
});

test("text that is no JSON is malformed, not an error", async () => {
  assert.equal(await readJson(request("{")), MALFORMED);
  assert.deepEqual(await readJson(request('{"a"', ":1}")), { a: 1 });
});
