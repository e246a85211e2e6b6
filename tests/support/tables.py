"""A catalog as a database would tell it: one table with many rows, one with few."""

from __future__ import annotations

from rollout.model.catalog import Catalog, Column, Constraint, Table

NOTE = Table(
    "public.note",
    rows=3_000_000,
    size_bytes=900_000_000,
    columns=(
        Column("id", "integer", not_null=True),
        Column("body", "text", not_null=True),
        Column("title", "character varying(50)"),
        Column("amount", "integer"),
        Column("price", "numeric(10,2)"),
        Column("at", "timestamp(3) with time zone"),
        Column("done", "boolean"),
        Column("kept", "text"),
        Column("rank", "positive"),
        Column("author_id", "integer"),
    ),
    constraints=(
        Constraint("note_pkey", "primary key", "PRIMARY KEY (id)"),
        Constraint("note_kept", "check", "CHECK ((kept IS NOT NULL))"),
        Constraint("note_done", "check", "CHECK ((done IS NOT NULL))", validated=False),
        Constraint("note_author", "foreign key", references="public.author"),
    ),
    indexes=("public.note_pkey", "public.note_body_idx"),
)
AUTHOR = Table(
    "public.author",
    rows=40,
    size_bytes=8192,
    columns=(
        Column("id", "integer", not_null=True),
        Column("email", "text", not_null=True),
        Column("name", "text"),
        Column("score", "integer"),
    ),
    indexes=("public.author_pkey", "public.author_email_idx"),
)
CATALOG = Catalog({NOTE.name: NOTE, AUTHOR.name: AUTHOR}, frozenset({"positive"}))
