// Reads Drizzle's migration folder (layout of drizzle-kit 0.x).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));
const BREAKPOINT = "--> statement-breakpoint";

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const snapshotPath = (folder, idx) => join(folder, "meta", `${String(idx).padStart(4, "0")}_snapshot.json`);

/** The migrations in the journal's order, each with its statements and its snapshot (null when the file is missing). */
export function readMigrations(folder = FOLDER) {
  return readJson(join(folder, "meta", "_journal.json")).entries.map((entry) => {
    const file = join(folder, `${entry.tag}.sql`);
    const snapshot = snapshotPath(folder, entry.idx);
    return {
      ...entry,
      statements: existsSync(file) ? readFileSync(file, "utf8").split(BREAKPOINT) : null,
      snapshot: existsSync(snapshot) ? readJson(snapshot) : null,
    };
  });
}

/** Names of the SQL files in the folder, without their ending. */
export function listFiles(folder = FOLDER) {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .map((name) => name.slice(0, -".sql".length))
    .sort();
}
