import assert from "node:assert/strict";
import { test } from "node:test";
import { EDITION, heading } from "../src/greeting.js";

test("the heading names the edition that is published", () => {
  assert.equal(heading(), `Trovella, edition ${EDITION}`);
});

test("the heading of an earlier edition names that one", () => {
  assert.equal(heading(7), "Trovella, edition 7");
});
