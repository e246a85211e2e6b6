import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COLUMNS, parseNote } from "../src/notes.js";

test("the statements name the columns that the schema declares", () => {
  const schema = readFileSync(new URL("../src/schema/notes.ts", import.meta.url), "utf8");
  const declared = [...schema.matchAll(/^ {4}\w+: \w+\("(\w+)"/gm)].map((match) => match[1]);
  assert.deepEqual(COLUMNS, declared);
});

test("a note without text is refused", () => {
  for (const input of [null, {}, { body: "" }, { body: 7 }, { body: "x".repeat(10_001) }]) {
    assert.equal(parseNote(input), null);
  }
});

test("a note without an author is anonymous", () => {
  assert.deepEqual(parseNote({ body: "hello" }), { body: "hello", author: "anonymous" });
});
