import assert from "node:assert/strict";
import { test } from "node:test";
import { EDITION } from "../../../packages/content/src/greeting.js";
import { answer } from "../src/routes.js";

test("the first page shows the edition", async () => {
  const { status, body } = await answer({ url: "/", method: "GET" });
  assert.equal(status, 200);
  assert.ok(body.includes(`edition ${EDITION}`));
});

test("an unknown address and a wrong method are told apart", async () => {
  assert.equal((await answer({ url: "/nowhere", method: "GET" })).status, 404);
  assert.equal((await answer({ url: "/api/echo", method: "GET" })).status, 405);
});

test("a note without text never reaches the database", async () => {
  const request = Object.assign(
    (async function* () {
      yield Buffer.from('{"body": ""}');
    })(),
    { url: "/api/notes", method: "POST" },
  );
  assert.equal((await answer(request)).status, 400);
});
