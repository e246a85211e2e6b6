"""A small schema as an application would have it, for judging changes to it on a real server."""

from __future__ import annotations

import psycopg

BASE = """
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN anything AS text;
CREATE SEQUENCE counter;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE author (
    id serial PRIMARY KEY, email varchar(200) NOT NULL, born date, name text DEFAULT 'x',
    score int NOT NULL DEFAULT 0
);
CREATE TABLE note (
    id serial PRIMARY KEY, body text NOT NULL, title varchar(50), author_id int
        CONSTRAINT note_author_fk REFERENCES author (id),
    price numeric(10,2), amount int, views bigint DEFAULT 0, done boolean, rank positive,
    at timestamptz DEFAULT now(), seen timestamp, precise timestamp(3), doc json, tree jsonb,
    mood mood, code char(3), ratio real, net cidr, bits varbit(8), kept text,
    CONSTRAINT note_amount_check CHECK (amount > 0),
    CONSTRAINT note_kept_check CHECK (kept IS NOT NULL),
    CONSTRAINT note_title_unique UNIQUE (title)
);
ALTER TABLE note ADD CONSTRAINT note_done CHECK (done IS NOT NULL) NOT VALID;
ALTER TABLE note ADD CONSTRAINT note_views_check CHECK (views >= 0) NOT VALID;
CREATE INDEX note_body_idx ON note (body);
CREATE UNIQUE INDEX note_code_idx ON note (code, id);
CREATE UNIQUE INDEX author_email_idx ON author (email);
CREATE TRIGGER note_touch BEFORE UPDATE ON note FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE tag (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, label text NOT NULL,
    plain int NOT NULL, sized int GENERATED ALWAYS AS (plain * 2) STORED);
CREATE POLICY tag_all ON tag USING (true);
CREATE RULE tag_rule AS ON DELETE TO tag DO ALSO SELECT 1;
CREATE TABLE app.setting (name text PRIMARY KEY, value text);
CREATE TABLE plain (id int, label text, wide text);
CREATE TABLE event (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE event_2026 (id int, at date);
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
CREATE VIEW notes AS SELECT id, done FROM note;
CREATE MATERIALIZED VIEW counts AS SELECT author_id, count(*) AS notes FROM note GROUP BY 1;
CREATE UNIQUE INDEX counts_idx ON counts (author_id);
INSERT INTO author (email) SELECT 'a' || n FROM generate_series(1, 50) n;
INSERT INTO note (body, title, author_id, price, amount, mood, kept, code, doc, rank, done)
    SELECT 'note ' || n, 'title ' || n, n % 50 + 1, n, n, 'glad', 'x', 'abc', '{}', 1, true
      FROM generate_series(1, 2000) n;
INSERT INTO tag (label, plain) SELECT 'tag ' || n, n FROM generate_series(1, 200) n;
INSERT INTO plain SELECT n, 'label ' || n, 'wide' FROM generate_series(1, 200) n;
INSERT INTO event SELECT n % 50 + 1, '2025-02-01' FROM generate_series(1, 100) n;
REFRESH MATERIALIZED VIEW counts;
ANALYZE;
"""

_HELD = """
SELECT l.relation, l.mode FROM pg_locks l
 WHERE l.pid = pg_backend_pid() AND l.granted AND l.relation = ANY(%s)
"""
_FILES = """
SELECT c.oid, n.nspname || '.' || c.relname, c.relfilenode::bigint FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname IN ('public', 'app')
"""


def observe(url: str, sql: str) -> tuple[dict[str, str], set[str]]:
    """Run SQL in a transaction that is rolled back.

    Returns:
        The strongest lock on each table that was there before, by PostgreSQL's name; and those of
        the tables whose rows lie in a new file.
    """
    with psycopg.connect(url) as connection:
        before = {oid: (name, file) for oid, name, file in connection.execute(_FILES)}
        connection.execute(sql.encode())
        held = connection.execute(_HELD, (list(before),)).fetchall()
        after = {oid: file for oid, _, file in connection.execute(_FILES)}
        connection.rollback()
    files = {name for oid, (name, file) in before.items() if after.get(oid, file) != file}
    return _strongest(held, before), files


def _strongest(held: list[tuple[int, str]], before: dict[int, tuple[str, int]]) -> dict[str, str]:
    order = (
        *("RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock"),
        *("ExclusiveLock", "AccessExclusiveLock"),
    )
    ranked = sorted((one for one in held if one[1] in order), key=lambda one: order.index(one[1]))
    return {before[oid][0]: mode.removesuffix("Lock") for oid, mode in ranked}
