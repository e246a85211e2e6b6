"""A backup that was made of the database before data is destroyed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup of the whole database instance.

    Attributes:
        id: What Cloud SQL calls it.
        files: The migrations that destroy data and that it was made before, by date and hash.
        age_s: How long ago the migrations that it was made for began, in seconds.
    """

    id: str
    files: tuple[str, ...]
    age_s: float = 0.0
