"""Statements, and whether the rows of a small database are in their way.

Each stands with what the server says when it is applied: a SQLSTATE, or nothing.
"""

from __future__ import annotations

ROWS = """
CREATE SCHEMA app;
CREATE DOMAIN given AS int NOT NULL;
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE FUNCTION one_over(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1 / $1';
CREATE TABLE person (
    id int PRIMARY KEY, name text NOT NULL, nick text, email varchar(20), age int, big bigint,
    price numeric, ratio real, number text, mood text, bits varbit(8), team int, boss int, extra int
);
INSERT INTO person VALUES
    (1, 'Ann', 'a', 'ann', 30, 1, 1.25, 1, '1', 'sad', B'101', 1, NULL, 1),
    (2, 'Bob', NULL, 'bob', -1, 3000000000, 12345.678, 2, 'two', 'glad', B'10', 2, 1, 1),
    (3, 'Ann', 'A', 'a longer one', NULL, NULL, 'NaN', NULL, NULL, 'odd', NULL, 9, 7, 0);
CREATE TABLE team (id int PRIMARY KEY, code text, place int, UNIQUE (code, place));
INSERT INTO team VALUES (1, 'x', 1), (2, 'y', 2);
CREATE TABLE seat (code text, place int, note text);
INSERT INTO seat VALUES ('x', 1, 'fits'), ('x', NULL, 'half'), (NULL, NULL, 'none');
CREATE TABLE stray (LIKE seat);
INSERT INTO stray VALUES ('x', 1, 'fits'), ('x', 2, 'does not');
CREATE TABLE bare (id int);
CREATE TABLE app."Odd ""one" (
    "the key" int, "it's" int, "user" text, "a.b" int, PRIMARY KEY ("the key", "user")
);
INSERT INTO app."Odd ""one" VALUES (1, NULL, 'x', 1), (2, 5, 'y; --', 1);
CREATE TABLE event (id int, at date, kind text) PARTITION BY RANGE (at);
CREATE TABLE event_a PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE event_b PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO event VALUES (1, '2025-02-01', 'x'), (1, '2026-02-01', NULL), (99, '2026-03-01', 'x');
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1), (NULL);
ALTER TABLE person ADD CONSTRAINT person_age CHECK (age >= 0) NOT VALID;
ALTER TABLE person ADD CONSTRAINT person_id CHECK (id >= 0) NOT VALID;
ALTER TABLE person ADD CONSTRAINT person_team FOREIGN KEY (team) REFERENCES team NOT VALID;
ALTER TABLE person ADD CONSTRAINT person_named CHECK (name IS NOT NULL);
"""

REFUSED = {
    # NULLs
    "ALTER TABLE person ALTER COLUMN nick SET NOT NULL": "23502",
    "ALTER TABLE event ALTER COLUMN kind SET NOT NULL": "23502",
    "ALTER TABLE parent ALTER COLUMN id SET NOT NULL": "23502",
    'ALTER TABLE app."Odd ""one" ALTER COLUMN "it\'s" SET NOT NULL': "23502",
    "ALTER TABLE person ALTER COLUMN age TYPE bigint, ALTER COLUMN age SET NOT NULL": "23502",
    "ALTER TABLE person ADD COLUMN c int; ALTER TABLE person ALTER COLUMN c SET NOT NULL": "23502",
    # A column that must have a value
    "ALTER TABLE person ADD COLUMN c int NOT NULL": "23502",
    "ALTER TABLE person ADD COLUMN c int NOT NULL DEFAULT NULL": "23502",
    "ALTER TABLE seat ADD COLUMN c int PRIMARY KEY": "23502",
    "ALTER TABLE person ADD COLUMN c given": "23502",
    "ALTER TABLE person ADD COLUMN c small DEFAULT 11": "23514",
    "ALTER TABLE person ADD COLUMN c int GENERATED ALWAYS AS (age + 1) STORED NOT NULL": "23502",
    "ALTER TABLE person ADD COLUMN c int GENERATED ALWAYS AS (1 / extra) STORED": "22012",
    "ALTER TABLE person ADD COLUMN c int DEFAULT 1 UNIQUE": "23505",
    "ALTER TABLE person ADD COLUMN c int DEFAULT 1 CHECK (c > 0) CHECK (c > 1)": "23514",
    "ALTER TABLE person ADD COLUMN c int CHECK (c IS NOT NULL)": "23514",
    "ALTER TABLE person ADD COLUMN c int DEFAULT 7 REFERENCES team (id)": "23503",
    "ALTER TABLE person ADD COLUMN c int DEFAULT 7; ALTER TABLE person ADD CHECK (c < 7)": "23514",
    # Doubles
    "ALTER TABLE person ADD UNIQUE (name)": "23505",
    "ALTER TABLE seat ADD CONSTRAINT u UNIQUE (code)": "23505",
    "ALTER TABLE seat ADD PRIMARY KEY (code, place)": "23502",
    "ALTER TABLE stray ADD PRIMARY KEY (code)": "23505",
    "CREATE UNIQUE INDEX ON person (name) INCLUDE (id)": "23505",
    "ALTER TABLE person ADD COLUMN c int UNIQUE NULLS NOT DISTINCT": "23505",
    "CREATE UNIQUE INDEX ON person (lower(nick))": "23505",
    "CREATE UNIQUE INDEX ON person (extra) WHERE age IS NOT NULL": "23505",
    "CREATE UNIQUE INDEX ON person (one_over(extra))": "22012",
    'CREATE UNIQUE INDEX ON app."Odd ""one" ("a.b")': "23505",
    # Checks
    "ALTER TABLE person ADD CONSTRAINT c CHECK (age > 0)": "23514",
    'ALTER TABLE "person" ADD CONSTRAINT "c" CHECK ("person"."age" > 0)': "23514",
    "ALTER TABLE person ADD CHECK (1 / extra > 0)": "22012",
    "ALTER TABLE person VALIDATE CONSTRAINT person_age": "23514",
    "ALTER TABLE person ADD CONSTRAINT v CHECK (age > 0) NOT VALID;"
    " ALTER TABLE person VALIDATE CONSTRAINT v": "23514",
    "ALTER TABLE parent ADD CHECK (id IS NOT NULL)": "23514",
    'ALTER TABLE app."Odd ""one" ADD CHECK ("user" <> \'y; --\')': "23514",
    # References
    "ALTER TABLE person ADD FOREIGN KEY (team) REFERENCES team": "23503",
    "ALTER TABLE person ADD FOREIGN KEY (boss) REFERENCES person (id)": "23503",
    "ALTER TABLE person VALIDATE CONSTRAINT person_team": "23503",
    "ALTER TABLE stray ADD FOREIGN KEY (code, place) REFERENCES team (code, place)": "23503",
    "ALTER TABLE seat ADD FOREIGN KEY (code, place) REFERENCES team (code, place) MATCH FULL": (
        "23503"
    ),
    "ALTER TABLE event ADD FOREIGN KEY (id) REFERENCES team (id)": "23503",
    "CREATE TABLE fresh (id int PRIMARY KEY);"
    " ALTER TABLE person ADD FOREIGN KEY (team) REFERENCES fresh (id)": "23503",
    "DO $$ BEGIN ALTER TABLE person ADD CONSTRAINT f FOREIGN KEY (team) REFERENCES team;"
    " EXCEPTION WHEN duplicate_object THEN null; END $$": "23503",
    # Types
    "ALTER TABLE person ALTER COLUMN email TYPE varchar(5)": "22001",
    "ALTER TABLE person ALTER COLUMN big TYPE varchar(5)": "22001",
    "ALTER TABLE person ALTER COLUMN email TYPE char(3)": "22001",
    "ALTER TABLE person ALTER COLUMN big TYPE int": "22003",
    "ALTER TABLE person ALTER COLUMN price TYPE numeric(5,2)": "22003",
    "ALTER TABLE person ALTER COLUMN number TYPE int USING number::int": "22P02",
    "ALTER TABLE person ALTER COLUMN number TYPE numeric(3,1) USING number::numeric(3,1)": "22P02",
    "ALTER TABLE person ALTER COLUMN name TYPE varchar(2) USING name || 'x'": "22001",
    "ALTER TABLE person ALTER COLUMN name TYPE text USING nick": "23502",
    "ALTER TABLE person ALTER COLUMN bits TYPE bit(3)": "22026",
    "ALTER TABLE person ALTER COLUMN bits TYPE varbit(2)": "22001",
    "ALTER TABLE person ALTER COLUMN age TYPE small": "23514",
    "ALTER TABLE person ALTER COLUMN price TYPE int USING price::int": "0A000",
    "ALTER TABLE person ALTER COLUMN team TYPE smallint USING (team * 10000)::smallint": "22003",
}

TAKEN = (
    "ALTER TABLE person ALTER COLUMN name SET NOT NULL",
    "ALTER TABLE person ALTER COLUMN team SET NOT NULL",
    "ALTER TABLE ONLY parent ADD CONSTRAINT n CHECK (id > 0) NO INHERIT",
    "ALTER TABLE bare ALTER COLUMN id SET NOT NULL",
    "ALTER TABLE bare ADD COLUMN c int NOT NULL",
    "ALTER TABLE person ADD COLUMN c int NOT NULL DEFAULT 1",
    "ALTER TABLE person ADD COLUMN c serial NOT NULL UNIQUE",
    "ALTER TABLE seat ADD COLUMN c int GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "ALTER TABLE seat ADD COLUMN c serial; ALTER TABLE seat ADD PRIMARY KEY (c)",
    "ALTER TABLE person ADD COLUMN c int UNIQUE CHECK (c > 0) REFERENCES team (id)",
    "ALTER TABLE person ADD COLUMN c int; ALTER TABLE person ADD FOREIGN KEY (c) REFERENCES team",
    "ALTER TABLE person ADD COLUMN c int; CREATE UNIQUE INDEX ON person (c)",
    "ALTER TABLE person ADD COLUMN IF NOT EXISTS name text NOT NULL",
    "ALTER TABLE person ADD COLUMN c small DEFAULT 9",
    "ALTER TABLE person ADD UNIQUE (name, nick)",
    "ALTER TABLE person ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (name, extra)",
    'CREATE UNIQUE INDEX ON person ((extra * 2) DESC, (name || \'"\') COLLATE "C")',
    "CREATE UNIQUE INDEX ON parent (id) NULLS NOT DISTINCT",
    "ALTER TABLE seat ADD UNIQUE (code, place)",
    "ALTER TABLE team ADD CONSTRAINT u UNIQUE (code) INCLUDE (place)",
    "CREATE UNIQUE INDEX ON person (extra) WHERE age > 29",
    "CREATE UNIQUE INDEX ON person (one_over(extra)) WHERE extra <> 0 AND id = 1",
    "CREATE UNIQUE INDEX ON event (id, at)",
    "CREATE UNIQUE INDEX ON parent (id)",
    "CREATE UNIQUE INDEX IF NOT EXISTS team_pkey ON person (name)",
    "ALTER TABLE person ADD CHECK (age < 100)",
    "ALTER TABLE person ADD CHECK (extra = 0 OR 1 / extra > 0)",
    "ALTER TABLE person ADD CHECK (age > 0) NOT VALID",
    "ALTER TABLE person VALIDATE CONSTRAINT person_id",
    "ALTER TABLE person VALIDATE CONSTRAINT person_named",
    "ALTER TABLE seat ADD FOREIGN KEY (code, place) REFERENCES team (code, place)",
    "ALTER TABLE person ADD FOREIGN KEY (team) REFERENCES team NOT VALID",
    "ALTER TABLE person ADD FOREIGN KEY (extra) REFERENCES person (id) NOT VALID",
    "CREATE TABLE fresh (id int, team int NOT NULL);"
    " ALTER TABLE fresh ADD FOREIGN KEY (team) REFERENCES team; ALTER TABLE fresh ADD UNIQUE (id)",
    "ALTER TABLE person ALTER COLUMN email TYPE varchar(12)",
    "ALTER TABLE person ALTER COLUMN email TYPE varchar(3) USING email::varchar(3)",
    "ALTER TABLE person ALTER COLUMN email TYPE text",
    "ALTER TABLE person ALTER COLUMN age TYPE bigint",
    "ALTER TABLE person ALTER COLUMN age TYPE smallint",
    "ALTER TABLE person ALTER COLUMN price TYPE numeric(8,2)",
    "ALTER TABLE person ALTER COLUMN ratio TYPE int",
    "ALTER TABLE person ALTER COLUMN number TYPE int USING length(number)",
    "ALTER TABLE person ALTER COLUMN extra TYPE text, ALTER COLUMN name SET NOT NULL",
    "ALTER TABLE person ALTER COLUMN bits TYPE varbit(3)",
    "ALTER TABLE person ALTER COLUMN extra TYPE small",
)

UNSURE = {
    "UPDATE seat SET code = 'n' WHERE code IS NULL;"
    " ALTER TABLE seat ALTER COLUMN code SET NOT NULL": "",
    "DELETE FROM person WHERE id = 3; ALTER TABLE person ADD UNIQUE (name)": "",
    "UPDATE team SET place = 3 WHERE id = 2; ALTER TABLE person ADD CHECK (age > -9)": "",
    "WITH gone AS (DELETE FROM stray RETURNING *) INSERT INTO bare SELECT 1 FROM gone;"
    " ALTER TABLE stray ADD FOREIGN KEY (code, place) REFERENCES team (code, place)": "",
    "INSERT INTO person (id, name, extra) VALUES (4, 'Cy', 1), (5, 'Cy', 1);"
    " ALTER TABLE person ADD UNIQUE (name, extra)": "23505",
    "DO $$ BEGIN EXECUTE 'UPDATE seat SET code = 1'; END $$;"
    " ALTER TABLE seat ALTER COLUMN code SET NOT NULL": "",
    "ALTER TABLE person RENAME COLUMN nick TO called;"
    " ALTER TABLE person ALTER COLUMN called SET NOT NULL": "23502",
    "ALTER TABLE person RENAME TO people; ALTER TABLE people ALTER COLUMN nick SET NOT NULL": (
        "23502"
    ),
    "ALTER TABLE seat SET SCHEMA app; ALTER TABLE app.seat ADD UNIQUE (code)": "23505",
    "CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1), (1);"
    " CREATE UNIQUE INDEX ON fresh (id)": "23505",
    "CREATE TABLE kept AS SELECT name FROM person; ALTER TABLE kept ADD UNIQUE (name)": "23505",
    "ALTER TABLE person ALTER COLUMN nick TYPE text USING coalesce(nick, 'n');"
    " ALTER TABLE person ALTER COLUMN nick SET NOT NULL": "",
    "CREATE TYPE feeling AS ENUM ('sad', 'glad');"
    " ALTER TABLE person ALTER COLUMN mood TYPE feeling USING mood::feeling": "22P02",
    "SET LOCAL search_path = app; ALTER TABLE public.person ADD UNIQUE (name)": "23505",
    "ALTER TABLE seat DROP CONSTRAINT IF EXISTS u; CREATE UNIQUE INDEX i ON bare (id);"
    " INSERT INTO bare VALUES (NULL); ALTER TABLE bare ADD PRIMARY KEY USING INDEX i": "23502",
}
