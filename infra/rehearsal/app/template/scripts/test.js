// node scripts/test.js unit|database: runs the tests that need nothing, or those that need DATABASE_URL.
import { spawnSync } from "node:child_process";
import { listFiles } from "./files.js";

const NEEDS_DATABASE = /\.database\.test\.js$/;
const SETS = { unit: (path) => !NEEDS_DATABASE.test(path), database: (path) => NEEDS_DATABASE.test(path) };

function run(name) {
  if (!SETS[name]) throw new Error(`name the tests to run: ${Object.keys(SETS).join(" or ")}`);
  if (name === "database" && !process.env.DATABASE_URL) throw new Error("DATABASE_URL is not set");
  const paths = listFiles().filter((path) => path.endsWith(".test.js")).filter(SETS[name]);
  if (paths.length === 0) throw new Error(`there are no ${name} tests`);
  return spawnSync(process.execPath, ["--test", ...paths], { stdio: "inherit" }).status ?? 1;
}

try {
  process.exitCode = run(process.argv[2]);
} catch (error) {
  process.stderr.write(`test: ${error.message}\n`);
  process.exitCode = 2;
}
