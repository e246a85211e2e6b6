// Builds the web application before its image is built: the image's own build has no network. Nothing to do for a plain
// server. Where packages come from is npm's own configuration (~/.npmrc may name a filled cache and say `offline`).
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const WEB = "apps/web";
const QUIET_NEXT = { NEXT_TELEMETRY_DISABLED: "1", NEXT_IGNORE_INCORRECT_LOCKFILE: "1" };

/** The first npm on PATH that runs: some installations of Node bring a launcher without the program behind it. */
function findNpm() {
  const found = process.env.PATH.split(delimiter)
    .map((folder) => join(folder, "npm"))
    .find((path) => existsSync(path) && spawnSync(path, ["--version"]).status === 0);
  if (!found) throw new Error("no npm on PATH runs; nothing was built; install npm and build again");
  return found;
}

function build() {
  const { scripts } = JSON.parse(readFileSync(`${WEB}/package.json`, "utf8"));
  if (!scripts?.build) {
    process.stdout.write("build: the web application runs as it is\n");
    return 0;
  }
  const npm = findNpm();
  const env = { ...process.env, ...QUIET_NEXT };
  const run = (...words) => spawnSync(npm, words, { cwd: WEB, env, stdio: "inherit" }).status ?? 1;
  // Not `npm ci`: it refuses a lock file that leaves out the compilers of machines that its registry has no files for.
  return run("install", "--no-save", "--ignore-scripts") || run("run", "build");
}

try {
  process.exitCode = build();
} catch (error) {
  process.stderr.write(`build: ${error.message}\n`);
  process.exitCode = 1;
}
