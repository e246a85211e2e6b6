"""The world's Secret Manager, as tests change it: its stand-in's store, secret by secret."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal.google import stored
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Generator

    from infra.rehearsal.google_rules import Store


def full(name: str) -> str:
    """Return a secret's name with its project, as Google calls it."""
    return f"projects/{facts()['secrets_project']}/secrets/{name}"


@contextmanager
def store() -> Generator[Store]:
    """Yield Secret Manager's store; what is changed in it is kept."""
    with stored(Path(facts()["google_store"])) as there:
        yield there


def add(name: str, value: str) -> str:
    """Add a version to a secret and return its number."""
    with store() as there:
        return there.add(full(name), value)[0].rpartition("/")[2]


def newest(name: str) -> tuple[str, str]:
    """Return the number and the value of a secret's newest version."""
    with store() as there:
        versions = there.versions(full(name))
    return str(len(versions)), versions[-1].value


@contextmanager
def disabled(name: str, version: str) -> Generator[None]:
    """Let a version be disabled for a while."""
    with store() as there:
        there.change(f"{full(name)}/versions/{version}", "DISABLED")
    try:
        yield
    finally:
        with store() as there:
            there.change(f"{full(name)}/versions/{version}", "ENABLED")
