"""Where names of variables and secrets stand in a commit, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A name, and one place where it stands.

    Attributes:
        name: The variable's name, or a secret's name in Secret Manager.
        path: The file, in the repository.
        line: Its line, from 1.
    """

    name: str
    path: str
    line: int

    @property
    def where(self) -> str:
        """Return the place as editors open it.

        Example:
            >>> Named("PORT", "src/server.js", 57).where
            'src/server.js:57'
        """
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Places:
    """What a commit's files name; a place that is not configured is empty.

    Attributes:
        code: Variables that the code reads.
        compose: Variables that the compose file fills in.
        example: Variables of the example file.
        workflow: Variables that the workflow gives to the checks.
        secrets: Path to the secrets that stand there, for each file that lists them.
        absent: Files that the environment's file names and the commit does not have.
    """

    code: tuple[Named, ...] = ()
    compose: tuple[Named, ...] = ()
    example: tuple[Named, ...] = ()
    workflow: tuple[Named, ...] = ()
    secrets: tuple[tuple[str, tuple[Named, ...]], ...] = ()
    absent: tuple[str, ...] = ()
