"""What of scratch databases is on a server."""

from __future__ import annotations

import psycopg

from rollout.executors.scratch import PREFIX


def scratch_names(url: str) -> set[str]:
    """Return the names of the scratch databases that are there now."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT datname FROM pg_database").fetchall()
    return {name for (name,) in found if name.startswith(PREFIX)}
