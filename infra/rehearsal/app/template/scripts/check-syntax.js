// Every script parses, and nothing but the logger writes to the console.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { listFiles } from "./files.js";
import { report } from "./report.js";

/** One process that parses all files, where `node --check` takes a process for each. */
const PARSER = ["--experimental-vm-modules", "--no-warnings"];
const CONSOLE = /\bconsole\.\w+\(/;

function findingsOf(path) {
  const text = readFileSync(path, "utf8");
  const findings = CONSOLE.test(text) ? [`${path} writes to the console: use getLogger`] : [];
  try {
    new vm.SourceTextModule(text, { identifier: path });
  } catch (error) {
    findings.push(`${path} does not parse: ${error.message}`);
  }
  return findings;
}

if (vm.SourceTextModule) {
  const paths = listFiles().filter((path) => /\.m?js$/.test(path));
  report("syntax", paths.length, paths.flatMap(findingsOf));
} else {
  const again = [...PARSER, fileURLToPath(import.meta.url)];
  process.exitCode = spawnSync(process.execPath, again, { stdio: "inherit" }).status ?? 1;
}
