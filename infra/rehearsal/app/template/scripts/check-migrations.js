// The journal, the SQL files, the snapshots and the schema tell one story. Needs no database.
import { readFileSync } from "node:fs";
import { listFiles as listMigrations, readMigrations } from "../packages/db/src/journal.js";
import { listFiles } from "./files.js";
import { report } from "./report.js";

const FIRST_PARENT = "00000000-0000-0000-0000-000000000000";

function findingsOf(migration, position, migrations) {
  const before = migrations[position - 1];
  const { tag, idx, when, statements, snapshot } = migration;
  const parent = before?.snapshot?.id ?? FIRST_PARENT;
  const rules = [
    [idx !== position, `has idx ${idx} at position ${position}`],
    [before && when <= before.when, "is not later than the one before: Drizzle would skip it in silence"],
    [statements === null, "has no SQL file"],
    [statements?.some((statement) => statement.trim() === ""), "has an empty statement"],
    [snapshot === null, "has no snapshot"],
    [snapshot && snapshot.prevId !== parent, "has a snapshot that does not follow the one before"],
  ];
  return rules.filter(([broken]) => broken).map(([, finding]) => `${tag} ${finding}`);
}

function columnsOf(snapshot) {
  return Object.values(snapshot?.tables ?? {}).flatMap((table) => Object.keys(table.columns));
}

const migrations = readMigrations();
const known = new Set(migrations.map((migration) => migration.tag));
const schema = listFiles("packages/db/src/schema").map((path) => readFileSync(path, "utf8")).join("");
report("migrations", migrations.length, [
  ...migrations.flatMap(findingsOf),
  ...listMigrations().filter((tag) => !known.has(tag)).map((tag) => `${tag}.sql is not in the journal`),
  ...columnsOf(migrations.at(-1)?.snapshot)
    .filter((column) => !schema.includes(`"${column}"`))
    .map((column) => `the last snapshot has a column ${column} that no schema declares`),
]);
