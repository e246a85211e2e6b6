// Spaces, line ends and JSON, the same everywhere. Drizzle's own files are left as its tool writes them.
import { readFileSync } from "node:fs";
import { listFiles } from "./files.js";
import { report } from "./report.js";

const INDENTED_BY_TABS = /Caddyfile$/;
const GENERATED = /^packages\/db\/src\/migrations\/|package-lock\.json$/;

const RULES = [
  ["has a carriage return", (text) => text.includes("\r")],
  ["does not end with one line feed", (text) => !text.endsWith("\n") || text.endsWith("\n\n")],
  ["has spaces at the end of a line", (text) => /[ \t]$/m.test(text)],
  ["has a tab", (text, path) => text.includes("\t") && !INDENTED_BY_TABS.test(path)],
  ["is no JSON", (text, path) => path.endsWith(".json") && !isJson(text)],
];

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function findingsOf(path) {
  const text = readFileSync(path, "utf8");
  return RULES.filter(([, broken]) => broken(text, path)).map(([rule]) => `${path} ${rule}`);
}

const paths = listFiles().filter((path) => !GENERATED.test(path));
report("format", paths.length, paths.flatMap(findingsOf));
