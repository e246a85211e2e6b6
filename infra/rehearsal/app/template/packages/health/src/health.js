// What /api/health says: three real checks side by side, none of which throws.
import { getPool } from "../../db/src/pool.js";
import { getLogger } from "../../logger/src/logger.js";
import { ping } from "./redis.js";
import { missingSettings } from "./settings.js";

/** Below Docker's own 5 s: a dead dependency must read as degraded, never as a health check that hangs. */
const CHECK_TIMEOUT_MS = 2000;
const TYPESENSE_URL = "http://typesense:8108";

const log = getLogger("health");

/** What is asked of each neighbour; a check that returns has passed. */
const CHECKS = {
  database: async (environment) => {
    await getPool(environment.DATABASE_URL).query("SELECT 1");
  },
  redis: async (environment) => {
    await ping(environment.REDIS_URL, CHECK_TIMEOUT_MS);
  },
  typesense: async (environment) => {
    const address = new URL("/health", environment.TYPESENSE_URL || TYPESENSE_URL);
    const response = await fetch(address, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    const body = await response.json();
    if (!response.ok || body.ok !== true) throw new Error(`answered ${response.status}`);
  },
};

function within(work, timeoutMs) {
  let timer;
  const bound = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, bound]).finally(() => clearTimeout(timer));
}

/** The check's name and its `{ok, latencyMs}`; the reason of a failure goes to the log only. */
async function measure([name, check], environment) {
  const began = performance.now();
  const latencyMs = () => Math.round(performance.now() - began);
  try {
    await within(check(environment), CHECK_TIMEOUT_MS);
    return [name, { ok: true, latencyMs: latencyMs() }];
  } catch (error) {
    log.warn("A health check failed", { check: name, reason: error.message });
    return [name, { ok: false, latencyMs: latencyMs() }];
  }
}

/** The one word for all checks: degraded keeps serving, on purpose. */
export function judge(checks) {
  const failed = Object.values(checks).filter((check) => !check.ok).length;
  if (failed === 0) return "healthy";
  return failed === Object.keys(checks).length ? "unhealthy" : "degraded";
}

/** HTTP status and body of /api/health. */
export async function health(environment = process.env) {
  const missing = missingSettings(environment);
  if (missing.length > 0) throw new Error(`not set in production: ${missing.join(", ")}`);
  const measured = Object.entries(CHECKS).map((check) => measure(check, environment));
  const checks = Object.fromEntries(await Promise.all(measured));
  const body = {
    status: judge(checks),
    checks,
    timestamp: new Date().toISOString(),
    version: environment.APP_VERSION || "development",
  };
  if (body.status !== "healthy") log.warn("Health check degraded or unhealthy", body);
  return { status: body.status === "unhealthy" ? 503 : 200, body };
}
