import assert from "node:assert/strict";
import { test } from "node:test";
import { POST as echo } from "../src/app/api/echo/route.js";
import { POST as addNote } from "../src/app/api/notes/route.js";
import { GET as slow } from "../src/app/api/slow/route.js";

const sent = (body) => new Request("http://localhost/", { method: "POST", body });

test("a body is echoed, one beyond the bound is refused", async () => {
  assert.equal(await (await echo(sent("née"))).text(), "née");
  assert.equal((await echo(sent("x".repeat(1024 * 1024 + 1)))).status, 413);
});

test("a note without text never reaches the database", async () => {
  assert.equal((await addNote(sent("{"))).status, 400);
  assert.equal((await addNote(sent('{"body": ""}'))).status, 400);
});

test("a slow answer ends by saying so", async () => {
  const answer = await slow(new Request("http://localhost/api/slow?ms=20"));
  assert.ok((await answer.text()).endsWith("done\n"));
});
