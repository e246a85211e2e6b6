import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../src/health.js";
import { encodeCommand } from "../src/redis.js";
import { missingSettings } from "../src/settings.js";

const up = { ok: true, latencyMs: 1 };
const down = { ok: false, latencyMs: 1 };

test("all checks fine is healthy", () => {
  assert.equal(judge({ database: up, redis: up, typesense: up }), "healthy");
});

test("one or two failing is degraded", () => {
  assert.equal(judge({ database: down, redis: up, typesense: up }), "degraded");
  assert.equal(judge({ database: down, redis: down, typesense: up }), "degraded");
});

test("all failing is unhealthy", () => {
  assert.equal(judge({ database: down, redis: down, typesense: down }), "unhealthy");
});

test("settings are demanded in production only", () => {
  const required = ["ONE", "TWO"];
  assert.deepEqual(missingSettings({}, required), []);
  assert.deepEqual(missingSettings({ NODE_ENV: "production", ONE: "1", TWO: "" }, required), ["TWO"]);
});

test("a Redis command counts bytes, not characters", () => {
  assert.equal(encodeCommand("AUTH", "né"), "*2\r\n$4\r\nAUTH\r\n$3\r\nné\r\n");
});
