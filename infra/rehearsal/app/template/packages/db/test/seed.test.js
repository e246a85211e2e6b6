import assert from "node:assert/strict";
import { test } from "node:test";
import { insertion, refusal } from "../src/seed.js";

const PRODUCTION = { NODE_ENV: "production", DATABASE_URL: "postgresql://localhost/trovella" };

test("a tier that empties tables is refused in production", () => {
  assert.match(refusal("development", PRODUCTION), /empties tables/);
  assert.equal(refusal("reference", PRODUCTION), null);
});

test("an unknown tier and a missing database are refused", () => {
  assert.match(refusal("everything", PRODUCTION), /no tier named everything/);
  assert.match(refusal("reference", {}), /DATABASE_URL/);
});

test("a row becomes one statement that leaves existing rows alone", () => {
  assert.deepEqual(insertion("ai_model", { id: "a", name: "b" }), {
    sql: 'INSERT INTO "ai_model" ("id", "name") VALUES ($1, $2) ON CONFLICT DO NOTHING',
    values: ["a", "b"],
  });
});
