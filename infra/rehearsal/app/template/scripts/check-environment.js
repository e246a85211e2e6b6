// Every setting that the code reads is documented in apps/web/.env.example.
import { readFileSync } from "node:fs";
import { listFiles } from "./files.js";
import { report } from "./report.js";

const EXAMPLE = "apps/web/.env.example";
const READ_SETTING = /\b(?:environment|process\.env)\.([A-Z][A-Z0-9_]*)/g;
const REQUIRED_LIST = /REQUIRED_IN_PRODUCTION = \[([^\]]*)\]/;

const documented = new Set(
  [...readFileSync(EXAMPLE, "utf8").matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1]),
);

function settingsOf(path) {
  const text = readFileSync(path, "utf8");
  const required = text.match(REQUIRED_LIST)?.[1].match(/[A-Z][A-Z0-9_]+/g) ?? [];
  return [...required, ...[...text.matchAll(READ_SETTING)].map((match) => match[1])];
}

const paths = listFiles().filter((path) => /^(apps|packages)\/.*\/?src\/.*\.jsx?$/.test(path));
const findings = paths.flatMap((path) =>
  settingsOf(path)
    .filter((name) => !documented.has(name))
    .map((name) => `${path} reads ${name}, which ${EXAMPLE} does not mention`),
);
report("environment", paths.length, findings);
