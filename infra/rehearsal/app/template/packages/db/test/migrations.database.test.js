// Needs DATABASE_URL: a PostgreSQL whose user may create databases. Works in one of its own and drops it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "../src/connection.js";
import { readMigrations } from "../src/journal.js";
import { addNote, listNotes } from "../src/notes.js";
import { getPool } from "../src/pool.js";
import { seed } from "../src/seed.js";

const server = process.env.DATABASE_URL;
const scratch = `trovella_check_${process.pid}`;
const scratchUrl = Object.assign(new URL(server), { pathname: `/${scratch}` }).href;

async function onServer(sql) {
  const connection = await connect(server);
  try {
    await connection.query(sql);
  } finally {
    connection.close();
  }
}

before(async () => {
  await onServer(`CREATE DATABASE ${scratch}`);
  const connection = await connect(scratchUrl);
  for (const { statements } of readMigrations()) {
    for (const statement of statements) await connection.query(statement);
  }
  connection.close();
});

after(async () => {
  getPool(scratchUrl).close();
  await onServer(`DROP DATABASE ${scratch} WITH (FORCE)`);
});

test("all migrations on an empty database give the tables of the last snapshot", async () => {
  const rows = await getPool(scratchUrl).query(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
  );
  const found = rows.map((row) => `${row.table_name}.${row.column_name}`).sort();
  const { tables } = readMigrations().at(-1).snapshot;
  const promised = Object.values(tables)
    .flatMap((table) => Object.keys(table.columns).map((column) => `${table.name}.${column}`))
    .sort();
  assert.deepEqual(found, promised);
});

test("reference data is the same after a second run", async () => {
  const once = await seed("reference", scratchUrl);
  assert.deepEqual(once, { ai_model: 4, ai_model_pricing: 4 });
  assert.deepEqual(await seed("reference", scratchUrl), once);
});

test("a note is read back as it was written", async () => {
  const stored = await addNote({ body: "naïve 'quotes' \\ 日本", author: "ada" }, { DATABASE_URL: scratchUrl });
  const { total, notes } = await listNotes({ DATABASE_URL: scratchUrl });
  assert.equal(total, 1);
  assert.deepEqual(notes, [stored]);
});
