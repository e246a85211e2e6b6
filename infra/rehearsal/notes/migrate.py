"""Applies what the database lacks of `migrations/*.sql`: each file in one transaction, by its name.

Whoever comes second waits for the first and finds nothing to do.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

LOCK = 4_711
TABLE = (
    "CREATE TABLE IF NOT EXISTS applied_migration "
    "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
)


def main() -> None:
    """Apply the files in the order of their names."""
    files = sorted((Path(__file__).parent / "migrations").glob("*.sql"))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(TABLE)
        held = {name for (name,) in connection.execute("SELECT name FROM applied_migration")}
        for file in files:
            if file.name not in held:
                with connection.transaction():
                    connection.execute(file.read_bytes())
                    connection.execute(
                        "INSERT INTO applied_migration (name) VALUES (%s)", (file.name,)
                    )
                print(f"{file.name} applied", flush=True)


if __name__ == "__main__":
    main()
