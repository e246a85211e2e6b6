// node packages/db/src/seed.js [reference|development]: fills the database that DATABASE_URL names, in one transaction.
// `reference` is safe anywhere and again; `development` empties its tables first and is refused in production.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connect } from "./connection.js";

const TIERS = { reference: { truncates: false }, development: { truncates: true } };

function readSeeds(tier) {
  return JSON.parse(readFileSync(new URL(`./seeds/${tier}.json`, import.meta.url), "utf8"));
}

/** The statement and values that insert `row` unless its key is taken. */
export function insertion(table, row) {
  const columns = Object.keys(row);
  const marks = columns.map((_, position) => `$${position + 1}`);
  const sql = `INSERT INTO "${table}" ("${columns.join('", "')}") VALUES (${marks.join(", ")})`;
  return { sql: `${sql} ON CONFLICT DO NOTHING`, values: Object.values(row) };
}

/** Why `tier` must not run in `environment`; null when it may. */
export function refusal(tier, environment) {
  if (!TIERS[tier]) return `there is no tier named ${tier}; it is one of ${Object.keys(TIERS).join(", ")}`;
  if (TIERS[tier].truncates && environment.NODE_ENV === "production") {
    return `the ${tier} tier empties tables and NODE_ENV is production`;
  }
  return environment.DATABASE_URL ? null : "DATABASE_URL is not set";
}

async function fill(connection, table, rows, truncates) {
  if (truncates) await connection.query(`TRUNCATE "${table}" RESTART IDENTITY CASCADE`);
  for (const row of rows) {
    const { sql, values } = insertion(table, row);
    await connection.query(sql, values);
  }
  const [{ total }] = await connection.query(`SELECT count(*)::int AS total FROM "${table}"`);
  return total;
}

/** Rows that each table holds after the tier was applied. */
export async function seed(tier, databaseUrl) {
  const connection = await connect(databaseUrl);
  try {
    const totals = {};
    await connection.query("BEGIN");
    for (const [table, rows] of Object.entries(readSeeds(tier))) {
      totals[table] = await fill(connection, table, rows, TIERS[tier].truncates);
    }
    await connection.query("COMMIT");
    return totals;
  } finally {
    connection.close();
  }
}

async function main(tier = "reference") {
  const reason = refusal(tier, process.env);
  if (reason) throw new Error(`${reason}; nothing was changed`);
  for (const [table, total] of Object.entries(await seed(tier, process.env.DATABASE_URL))) {
    process.stdout.write(`${table}: ${total} rows\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv[2]).catch((error) => {
    process.stderr.write(`seed: ${error.message}\n`);
    process.exitCode = 1;
  });
}
