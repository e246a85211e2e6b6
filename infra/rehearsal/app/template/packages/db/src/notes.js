// The one table that visitors write to. Like Drizzle's own queries, each statement names every column of the schema.
import { getPool } from "./pool.js";

/** Columns of schema/notes.ts; a test keeps the two the same. */
export const COLUMNS = ["id", "body", "author", "created_at"];

const NEWEST = 50;
const MAX_BODY_LENGTH = 10_000;

/** The newest notes first, and how many there are in all. */
export async function listNotes(environment = process.env) {
  const pool = getPool(environment.DATABASE_URL);
  const notes = await pool.query(`SELECT ${COLUMNS.join(", ")} FROM note ORDER BY id DESC LIMIT ${NEWEST}`);
  const [{ total }] = await pool.query("SELECT count(*)::int AS total FROM note");
  return { total, notes };
}

/** The fields of a new note, or null when `input` holds no text to keep. */
export function parseNote(input) {
  const body = input?.body;
  if (typeof body !== "string" || body === "" || body.length > MAX_BODY_LENGTH) return null;
  return { body, author: typeof input.author === "string" ? input.author : "anonymous" };
}

/** The stored note. */
export async function addNote(note, environment = process.env) {
  const sql = `INSERT INTO note (body, author) VALUES ($1, $2) RETURNING ${COLUMNS.join(", ")}`;
  const [stored] = await getPool(environment.DATABASE_URL).query(sql, [note.body, note.author]);
  return stored;
}
