"""What each rule lets pass and what it names; every text also runs on a real server."""

from __future__ import annotations

OK: dict[str, tuple[str, ...]] = {
    "breaks-serving-code": (
        "ALTER TABLE note ADD COLUMN c int UNIQUE",
        "ALTER TABLE note ALTER COLUMN done SET DEFAULT true",
        "CREATE TABLE c (id int); ALTER TABLE c ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT ON note TO PUBLIC",
    ),
    "change-column-type": (
        "ALTER TABLE note ALTER COLUMN title SET DATA TYPE text",
        "ALTER TABLE note ALTER COLUMN price TYPE numeric(12,2)",
        "ALTER TABLE note ALTER COLUMN amount TYPE bigint",
    ),
    "column-made-required": (
        "ALTER TABLE note ALTER COLUMN body SET NOT NULL",
        "CREATE TABLE c (id int); ALTER TABLE c ALTER COLUMN id SET NOT NULL",
    ),
    "constraint-not-valid": (
        "ALTER TABLE note ADD CONSTRAINT c CHECK (amount < 100000) NOT VALID",
        "ALTER TABLE note ADD CONSTRAINT c FOREIGN KEY (amount) REFERENCES author (id) NOT VALID",
        "ALTER TABLE note VALIDATE CONSTRAINT note_done",
        "ALTER TABLE author ADD CONSTRAINT c CHECK (score >= 0)",
    ),
    "destroys-data": (
        "CREATE TABLE c (id int); DELETE FROM c; TRUNCATE c",
        "UPDATE author SET score = 1",
    ),
    "drop-column": (
        "CREATE TABLE c (id int, d int); ALTER TABLE c DROP COLUMN d",
        "ALTER TABLE note ALTER COLUMN body DROP NOT NULL",
    ),
    "drop-object": (
        "CREATE TABLE c (id int); DROP TABLE c",
        "DROP INDEX note_body_idx",
    ),
    "large-update": (
        "UPDATE author SET name = 'x'",
        "CREATE TABLE c (id int); UPDATE c SET id = 1",
    ),
    "may-break-serving-code": (
        "ALTER TABLE note VALIDATE CONSTRAINT note_done",
        "CREATE INDEX c ON note (amount)",
        "CREATE TABLE c (id int UNIQUE, d int REFERENCES author (id) ON DELETE cascade)",
    ),
    "no-rewrite-under-lock": (
        "ALTER TABLE note ADD COLUMN c timestamptz DEFAULT now() NOT NULL",
        "ALTER TABLE note ALTER COLUMN title TYPE varchar(80)",
        "ALTER TABLE author ADD COLUMN c uuid DEFAULT gen_random_uuid()",
    ),
    "not-null-without-default": (
        "ALTER TABLE note ADD COLUMN c text",
        "ALTER TABLE note ADD COLUMN c text DEFAULT 'x' NOT NULL",
        "ALTER TABLE note ADD COLUMN c int GENERATED ALWAYS AS IDENTITY NOT NULL",
        "CREATE TABLE c (id int); ALTER TABLE c ADD COLUMN d text NOT NULL",
    ),
    "opaque-statement": (
        "DO $$ BEGIN CREATE TYPE c AS ENUM ('a'); "
        "EXCEPTION WHEN duplicate_object THEN null; END $$",
        "SELECT 1",
    ),
    "rename": (
        "ALTER INDEX note_body_idx RENAME TO c",
        "CREATE TABLE c (id int); ALTER TABLE c RENAME TO d",
        "ALTER TYPE mood ADD VALUE 'new'",
    ),
    "require-concurrent-index": (
        "CREATE INDEX CONCURRENTLY c ON note (amount)",
        "CREATE INDEX c ON author (name)",
        "CREATE TABLE c (id int); CREATE INDEX d ON c (id)",
    ),
    "session-setting": (
        "BEGIN; SET LOCAL lock_timeout = '1s'; COMMIT",
        "RESET lock_timeout",
    ),
    "set-not-null-needs-check": (
        "ALTER TABLE note ALTER COLUMN kept SET NOT NULL",
        "ALTER TABLE author ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE note ADD CONSTRAINT c CHECK (title IS NOT NULL) NOT VALID; "
        "ALTER TABLE note VALIDATE CONSTRAINT c; ALTER TABLE note ALTER COLUMN title SET NOT NULL",
    ),
    "transaction-control-in-file": ("CREATE TABLE c (id int)",),
    "unique-using-index": (
        "CREATE UNIQUE INDEX CONCURRENTLY c ON note (amount);--> statement-breakpoint\n"
        "ALTER TABLE note ADD CONSTRAINT c UNIQUE USING INDEX c",
        "ALTER TABLE author ADD CONSTRAINT c UNIQUE (email)",
    ),
    "work-after-exclusive-lock": (
        "ALTER TABLE note ADD COLUMN c text; CREATE INDEX d ON author (name)",
        "CREATE INDEX d ON note (amount); ALTER TABLE note ADD COLUMN c text",
        "CREATE TABLE c (id int); CREATE INDEX d ON note (amount)",
    ),
}

BAD: dict[str, dict[str, str]] = {
    "breaks-serving-code": {
        "ALTER TABLE app.setting ADD COLUMN c int UNIQUE DEFAULT 1": (
            "the code that serves now breaks: its second insert with the default fails "
            "(SQLSTATE 23505)"
        ),
        "ALTER TABLE author ALTER COLUMN id DROP DEFAULT": (
            "the code that serves now breaks: an insert of it that leaves the column out "
            "fails (SQLSTATE 23502)"
        ),
        "ALTER TABLE note ENABLE ROW LEVEL SECURITY": (
            "the code that serves now breaks: it sees and writes no row unless a policy allows it"
        ),
        "REVOKE SELECT ON note FROM PUBLIC": (
            "the code that serves now breaks: what is taken away may be what its role needs "
            "(SQLSTATE 42501)"
        ),
    },
    "change-column-type": {
        "ALTER TABLE note ALTER COLUMN title TYPE varchar(20)": (
            "the type of note.title changes under the code that serves now: a value that "
            "fits now is refused or rounded"
        ),
        "ALTER TABLE note ALTER COLUMN price TYPE integer": (
            "the type of note.price changes under the code that serves now: it reads and "
            "writes numeric, and the column becomes integer"
        ),
    },
    "column-made-required": {
        "ALTER TABLE note ALTER COLUMN done SET NOT NULL": (
            "note.done becomes NOT NULL, so the code that serves now breaks: a write of it "
            "that leaves the column empty fails (SQLSTATE 23502)"
        ),
    },
    "constraint-not-valid": {
        "ALTER TABLE note ADD CONSTRAINT c CHECK (amount < 100000)": (
            "reads and writes wait while every row is looked at in note (3,000,000 rows, "
            "900 MB: some seconds)"
        ),
        "ALTER TABLE note ADD CONSTRAINT c FOREIGN KEY (author_id) REFERENCES author (id)": (
            "writes wait while every row is looked at in note (3,000,000 rows, 900 MB: some "
            "seconds)"
        ),
        "ALTER TABLE note ADD COLUMN c int CHECK (c > 0)": (
            "reads and writes wait while every row is looked at in note (3,000,000 rows, "
            "900 MB: some seconds)"
        ),
    },
    "destroys-data": {
        "TRUNCATE note": ("rows of note are deleted, and no rollback brings them back"),
        "DELETE FROM note": ("rows of note are deleted, and no rollback brings them back"),
        "DELETE FROM note WHERE done": (
            "the rows that its WHERE finds of note are deleted, and no rollback brings them back"
        ),
        "WITH old AS (DELETE FROM note RETURNING id) SELECT id FROM old": (
            "rows of note are deleted, and no rollback brings them back"
        ),
        "MERGE INTO note n USING author a ON a.id = n.id WHEN MATCHED THEN DELETE": (
            "rows of note are deleted, and no rollback brings them back"
        ),
    },
    "drop-column": {
        "ALTER TABLE note DROP COLUMN body": (
            "note.body and all its values go, so the code that serves now breaks: each of "
            "its reads and inserts of note names body and fails (SQLSTATE 42703)"
        ),
    },
    "drop-object": {
        "DROP TABLE note CASCADE": (
            "the table note goes with all its rows, so the code that serves now breaks "
            "where it uses it"
        ),
        "DROP VIEW notes": (
            "the view notes goes, so the code that serves now breaks where it uses it"
        ),
        "DROP TYPE mood CASCADE": (
            "the type mood goes, so the code that serves now breaks where it uses it"
        ),
    },
    "large-update": {
        "UPDATE note SET amount = 1 WHERE amount IS NULL": (
            "writes to each row that it changes wait until its transaction ends, and each "
            "old row stays on the disk: note (3,000,000 rows, 900 MB: some minutes)"
        ),
    },
    "may-break-serving-code": {
        "CREATE UNIQUE INDEX CONCURRENTLY c ON note (amount)": (
            "the code that serves now may break: a write of a value that is there already "
            "is refused (SQLSTATE 23505)"
        ),
        "ALTER TABLE note ADD COLUMN c serial": (
            "the code that serves now may break: its role needs the right to use the new "
            "sequence (SQLSTATE 42501)"
        ),
        "CREATE TABLE c (id int REFERENCES author (id))": (
            "the code that serves now may break: its deletes are refused while a row of the "
            "new table points to the row"
        ),
    },
    "no-rewrite-under-lock": {
        "ALTER TABLE note ADD COLUMN c uuid DEFAULT gen_random_uuid()": (
            "reads and writes wait while the whole table is written anew: note (3,000,000 "
            "rows, 900 MB: up to a minute)"
        ),
        "ALTER TABLE note ALTER COLUMN amount TYPE bigint": (
            "reads and writes wait while the whole table is written anew: note (3,000,000 "
            "rows, 900 MB: up to a minute)"
        ),
        "VACUUM FULL note": (
            "reads and writes wait while the whole table is written anew: note (3,000,000 "
            "rows, 900 MB: up to a minute)"
        ),
    },
    "not-null-without-default": {
        "ALTER TABLE app.setting ADD COLUMN c text NOT NULL": (
            "app.setting.c has no default, so the code that serves now breaks: each of its "
            "inserts into the table fails (SQLSTATE 23502); so does the migration itself if "
            "app.setting has rows"
        ),
    },
    "opaque-statement": {
        "DO $$ BEGIN PERFORM 1; END $$": (
            "neither its locks nor what it changes can be told from its text"
        ),
        "SELECT setval('counter', 1)": (
            "neither its locks nor what it changes can be told from its text"
        ),
    },
    "rename": {
        "ALTER TABLE note RENAME TO memo": (
            "the code that serves now breaks: it no longer finds note by its name (SQLSTATE "
            "42P01 or 42703)"
        ),
        "ALTER TABLE note RENAME COLUMN body TO content": (
            "the code that serves now breaks: it no longer finds body by its name (SQLSTATE "
            "42P01 or 42703)"
        ),
        "ALTER TABLE note SET SCHEMA app": (
            "the code that serves now breaks: it no longer finds it in that schema (SQLSTATE 42P01)"
        ),
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'": (
            "the code that serves now breaks: it writes and expects the label 'sad'"
        ),
    },
    "require-concurrent-index": {
        "CREATE INDEX c ON note (amount)": (
            "writes wait while an index is built over note (3,000,000 rows, 900 MB: up to a minute)"
        ),
    },
    "session-setting": {
        "SET lock_timeout = '1s'": (
            "lock_timeout stays set after the file's transaction, for whatever the session "
            "runs next"
        ),
        "SET search_path TO app": (
            "search_path stays set after the file's transaction, for whatever the session runs next"
        ),
    },
    "set-not-null-needs-check": {
        "ALTER TABLE note ALTER COLUMN title SET NOT NULL": (
            "reads and writes wait while every row is looked at in note (3,000,000 rows, "
            "900 MB: some seconds)"
        ),
    },
    "transaction-control-in-file": {
        "CREATE TABLE c (id int); COMMIT": (
            "what stands before it is kept even if what follows fails"
        ),
    },
    "unique-using-index": {
        "ALTER TABLE note ADD CONSTRAINT c UNIQUE (amount)": (
            "reads and writes wait while its index is built over note (3,000,000 rows, 900 "
            "MB: up to a minute)"
        ),
    },
    "work-after-exclusive-lock": {
        "ALTER TABLE note ADD COLUMN c text;\nCREATE INDEX d ON note (amount)": (
            "reads and writes of note wait since line 1, and longer while this builds an "
            "index: note (3,000,000 rows, 900 MB: up to a minute)"
        ),
        (
            "ALTER TABLE note ADD CONSTRAINT c FOREIGN KEY (author_id) REFERENCES author "
            "(id) NOT VALID;\nALTER TABLE note VALIDATE CONSTRAINT c"
        ): (
            "writes of note wait since line 1, and longer while this reads every row: note "
            "(3,000,000 rows, 900 MB: some seconds)"
        ),
    },
}
