import { readdirSync } from "node:fs";
import { join } from "node:path";

const SKIPPED = new Set([".git", ".next", "node_modules"]);

/** Paths of the repository's files from the current folder, sorted, without what tools generate. */
export function listFiles(folder = ".") {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...listFiles(path));
    else found.push(path);
  }
  return found.sort();
}
