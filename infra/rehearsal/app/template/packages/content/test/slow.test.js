import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration, slowLines } from "../src/slow.js";

test("a duration stays within its bounds", () => {
  assert.deepEqual(["250", "-1", "999999", "soon", null].map(parseDuration), [250, 0, 60_000, 1000, 1000]);
});

test("a slow answer ends by saying so", async () => {
  const lines = [];
  for await (const line of slowLines(120)) lines.push(line);
  assert.ok(lines.length >= 2);
  assert.equal(lines.at(-1), "done\n");
});
