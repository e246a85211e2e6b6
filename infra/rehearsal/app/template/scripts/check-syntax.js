// Every script parses, and nothing but the logger and the command-line tools writes to the console.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { listFiles } from "./files.js";
import { report } from "./report.js";

const CONSOLE = /\bconsole\.\w+\(/;

function findingsOf(path) {
  const findings = [];
  const { status, stderr } = spawnSync(process.execPath, ["--check", path], { encoding: "utf8" });
  if (status !== 0) findings.push(stderr);
  if (CONSOLE.test(readFileSync(path, "utf8"))) findings.push(`${path} writes to the console: use getLogger`);
  return findings;
}

const paths = listFiles().filter((path) => /\.m?js$/.test(path));
report("syntax", paths.length, paths.flatMap(findingsOf));
