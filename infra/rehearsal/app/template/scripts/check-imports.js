// Packages know nothing of applications, and every relative import names a file that exists.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { listFiles } from "./files.js";
import { report } from "./report.js";

const RELATIVE_IMPORT = /\bfrom "(\.[^"]+)"/g;

function findingsOf(path) {
  const targets = [...readFileSync(path, "utf8").matchAll(RELATIVE_IMPORT)].map((match) =>
    join(dirname(path), match[1]),
  );
  return targets.flatMap((target) => [
    ...(existsSync(target) ? [] : [`${path} imports ${target}, which does not exist`]),
    ...(path.startsWith("packages/") && target.startsWith("apps/") ? [`${path} imports an application`] : []),
  ]);
}

const paths = listFiles().filter((path) => /\.(m?js|jsx)$/.test(path));
report("imports", paths.length, paths.flatMap(findingsOf));
