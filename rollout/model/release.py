"""What is deployed: version, image, release."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rollout.errors import ConfigInvalid

_SHA = re.compile(r"[0-9a-f]{40}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
SHORT_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Version:
    """A git commit, as 40 lower-case hexadecimal digits.

    Raises:
        ConfigInvalid: When the text is anything else.
    """

    sha: str

    def __post_init__(self) -> None:
        if not _SHA.match(self.sha):
            raise ConfigInvalid("version", f"should be a 40-hex git commit, not {self.sha!r}")

    def __str__(self) -> str:
        return self.sha

    @property
    def short(self) -> str:
        """Return the first twelve digits, for people."""
        return self.sha[:SHORT_LENGTH]


@dataclass(frozen=True, slots=True)
class Image:
    """A repository and the digest of what lies there; a tag is a label, never identity.

    Raises:
        ConfigInvalid: When the digest is not `sha256:` and 64 hexadecimal digits.
    """

    repository: str
    digest: str

    def __post_init__(self) -> None:
        if not _DIGEST.match(self.digest):
            raise ConfigInvalid("image digest", f"should be sha256:<64 hex>, not {self.digest!r}")

    @property
    def reference(self) -> str:
        """Return what an engine pulls: `repository@sha256:...`."""
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Release:
    """A numbered, immutable statement of what serves, why and by whom.

    Attributes:
        number: 1 for a host's first release, then one more each time.
        version: The commit whose code serves.
        image: What the web containers run.
        created_at: ISO 8601, UTC.
        actor: Who asked for it.
        reason: Why; empty means that the merge itself is the reason.
        run_id: The Prefect flow run that made it.
        migrations: Tags of the migrations that its code expects, in order.
        secret_versions: Secret name to Secret Manager version number.
        files: Compose file and Caddyfile of its folder, by name, to their SHA-256; empty in a
            release from before they were written down.
        restores: The number of the earlier release that a rollback took up again, else None.
        contract: SHA-256 of the schema contract that lies in its folder, 64 hexadecimal digits;
            empty in a release from before contracts were kept.
        around: SHA-256 of what its compose file says besides its own service; empty in a release
            from before that was written down.
        database: Which database its `.env` leads to: variables that are no secrets, with their
            values; empty where the environment names none, or it is older than that.
    """

    number: int
    version: Version
    image: Image
    created_at: str
    actor: str = ""
    reason: str = ""
    run_id: str = ""
    migrations: tuple[str, ...] = ()
    secret_versions: dict[str, str] = field(default_factory=dict[str, str])
    files: dict[str, str] = field(default_factory=dict[str, str])
    restores: int | None = None
    contract: str = ""
    around: str = ""
    database: dict[str, str] = field(default_factory=dict[str, str])
