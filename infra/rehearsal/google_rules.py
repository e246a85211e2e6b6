"""How Secret Manager answers, as a function of its store; no network, no file.

Statuses and texts are the real service's.

Source: https://cloud.google.com/secret-manager/docs/reference/rest (read 2026-11-22); texts from
the service's error messages as its users quote them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal

State = Literal["ENABLED", "DISABLED", "DESTROYED"]
VERSION: Final = re.compile(r"(projects/[^/]+/secrets/[^/]+)/versions/([^/]+)")
STATES: Final[tuple[State, ...]] = ("ENABLED", "DISABLED", "DESTROYED")


class Refused(Exception):
    """Raised when the service answers with an error.

    Attributes:
        status: name of the gRPC status.
    """

    def __init__(self, status: str, message: str) -> None:
        """Keep the status beside the message."""
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Version:
    """One version of a secret; a destroyed one has lost its value."""

    state: State
    value: str


@dataclass(slots=True)
class Store:
    """What the service knows.

    Attributes:
        secrets: versions by the secret's full name, the first one is version 1.
        denied: full names of secrets that the caller has no permission for.
    """

    secrets: dict[str, list[Version]] = field(default_factory=dict[str, list[Version]])
    denied: set[str] = field(default_factory=set[str])

    def versions(self, secret: str) -> list[Version]:
        """Return a secret's versions, oldest first.

        Raises:
            Refused: PERMISSION_DENIED or NOT_FOUND.
        """
        if secret in self.denied:
            text = f"Permission denied for resource '{secret}' (or it may not exist)."
            raise Refused("PERMISSION_DENIED", text)
        if secret not in self.secrets:
            raise Refused("NOT_FOUND", f"Secret [{secret}] not found.")
        return self.secrets[secret]

    def find(self, name: str) -> tuple[str, Version]:
        """Return a version, with its name by number; `latest` is the newest in whatever state.

        Raises:
            Refused: PERMISSION_DENIED, NOT_FOUND, or INVALID_ARGUMENT for a malformed name.
        """
        match = VERSION.fullmatch(name)
        if match is None:
            raise Refused(
                "INVALID_ARGUMENT", f"The provided Secret Version name [{name}] is wrong."
            )
        secret, wanted = match.groups()
        versions = self.versions(secret)
        number = len(versions) if wanted == "latest" else int(wanted) if wanted.isdigit() else 0
        if not 1 <= number <= len(versions):
            raise Refused("NOT_FOUND", f"Secret Version [{name}] not found.")
        return f"{secret}/versions/{number}", versions[number - 1]

    def access(self, name: str) -> tuple[str, str]:
        """Return a version's name by number, and its value.

        Raises:
            Refused: as `find`, and FAILED_PRECONDITION when the version is not enabled.
        """
        numbered, version = self.find(name)
        if version.state != "ENABLED":
            text = f"Secret Version [{numbered}] is in {version.state} state."
            raise Refused("FAILED_PRECONDITION", text)
        return numbered, version.value

    def add(self, secret: str, value: str) -> tuple[str, Version]:
        """Append an enabled version and return it with its name."""
        versions = self.versions(secret)
        versions.append(Version("ENABLED", value))
        return f"{secret}/versions/{len(versions)}", versions[-1]

    def change(self, name: str, state: State) -> tuple[str, Version]:
        """Enable, disable or destroy a version; what is destroyed stays so.

        Raises:
            Refused: as `find`, and FAILED_PRECONDITION for a destroyed version.
        """
        numbered, version = self.find(name)
        if version.state == "DESTROYED":
            raise Refused(
                "FAILED_PRECONDITION", f"Secret Version [{numbered}] is in DESTROYED state."
            )
        version.state = state
        version.value = "" if state == "DESTROYED" else version.value
        return numbered, version

    def create(self, secret: str) -> None:
        """Make a secret without a version.

        Raises:
            Refused: ALREADY_EXISTS.
        """
        if secret in self.secrets:
            raise Refused("ALREADY_EXISTS", f"Secret [{secret}] already exists.")
        self.secrets[secret] = []


def parse_store(document: dict[str, Any]) -> Store:
    """Return the store that a JSON document describes."""
    return Store(
        {
            name: [Version(version["state"], version["value"]) for version in versions]
            for name, versions in document["secrets"].items()
        },
        set(document.get("denied", ())),
    )


def render_store(store: Store) -> dict[str, Any]:
    """Return the JSON document of a store."""
    return {
        "denied": sorted(store.denied),
        "secrets": {
            name: [{"state": version.state, "value": version.value} for version in versions]
            for name, versions in sorted(store.secrets.items())
        },
    }
