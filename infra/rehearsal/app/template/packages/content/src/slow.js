import { setTimeout as sleep } from "node:timers/promises";

const STEP_MS = 100;
const LONGEST_MS = 60_000;

/** How long a slow answer takes: what was asked for, within bounds; one second when nothing sensible was. */
export function parseDuration(asked) {
  const wanted = Number(asked ?? Number.NaN);
  return Number.isFinite(wanted) ? Math.min(Math.max(wanted, 0), LONGEST_MS) : 1000;
}

/** Lines over `durationMs`; the last one is "done", so a reader sees whether the answer was cut. */
export async function* slowLines(durationMs) {
  const ends = performance.now() + durationMs;
  for (let left = durationMs; left > 0; left = ends - performance.now()) {
    yield `${Math.round(left)} ms left\n`;
    await sleep(Math.min(STEP_MS, left));
  }
  yield "done\n";
}
