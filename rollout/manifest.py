"""Where the application's files name variables and secrets: `[manifest]` of an environment's file.

The manifest itself is the environment's file: its secrets, settings and build arguments. Here
stands what is held against it.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rollout.policy import ManifestPolicy


def _inside_repository(glob: str) -> str:
    pure = PurePosixPath(glob)
    # Git reads a leading colon as a rule of its own, a dash as an option.
    if not glob or pure.is_absolute() or ".." in pure.parts or glob[0] in "-:!":
        raise ValueError("should be a path inside the repository")
    return glob


CHECK = "variables"
"""What quality calls its own look at the manifest, among the application's checks."""

Glob = Annotated[str, AfterValidator(_inside_repository)]
RepositoryFile = Annotated[str, AfterValidator(_inside_repository)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Manifest(BaseModel):
    """Which files are held against the lists of this file; nothing is unless it is named.

    Attributes:
        code: Globs of the files whose reading of variables counts.
        objects: What the code reads variables of: `process.env` finds `process.env.PORT`,
            `process.env["PORT"]` and `{ PORT } = process.env`.
        declared_in: Files in which each name in capitals, as a key or in quotes, is a variable that
            the code reads: where it declares what it needs.
        example: The file that shows developers every variable; None means that there is none.
        workflow: The CI workflow whose `env` blocks count; None means that there is none.
        secret_lists: Files that list the secrets of Secret Manager: Terraform, scripts.
        public: How the names begin that are baked into what browsers load, so that they must be
            build arguments; empty means none.
        elsewhere: Variables that are given neither by the lists nor by build arguments, each with
            who gives it.
        policy: What each finding leads to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: tuple[Glob, ...] = ()
    objects: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$")], ...] = (
        "process.env",
        "import.meta.env",
    )
    declared_in: tuple[RepositoryFile, ...] = ()
    example: RepositoryFile | None = None
    workflow: RepositoryFile | None = None
    secret_lists: tuple[RepositoryFile, ...] = ()
    public: str = "NEXT_PUBLIC_"
    elsewhere: dict[Name, str] = {}
    policy: ManifestPolicy = ManifestPolicy()
