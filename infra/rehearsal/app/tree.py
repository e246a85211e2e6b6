"""A repository's files as a value, and edits that return another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from infra.rehearsal.shell import RehearsalError


@dataclass(frozen=True, slots=True)
class File:
    """One regular file.

    Attributes:
        content: its bytes.
        executable: whether git records it as a program.
    """

    content: bytes
    executable: bool = False

    @property
    def mode(self) -> str:
        """Return the mode as git writes it."""
        return "100755" if self.executable else "100644"


Tree: TypeAlias = Mapping[str, File]
"""Files by their path from the root, with forward slashes."""


def text_of(tree: Tree, path: str) -> str:
    """Return the text of a file.

    Raises:
        RehearsalError: the tree has no such file.
    """
    if path not in tree:
        raise _edited_by_hand(f"the application has no `{path}`")
    return tree[path].content.decode()


def with_text(tree: Tree, path: str, text: str) -> Tree:
    """Return the tree with a file of this text; an existing one keeps its mode."""
    executable = path in tree and tree[path].executable
    return {**tree, path: File(text.encode(), executable=executable)}


def replaced(tree: Tree, path: str, old: str, new: str) -> Tree:
    """Return the tree with the first occurrence of a text in a file replaced.

    Raises:
        RehearsalError: the file, or the text in it, is not there.
    """
    text = text_of(tree, path)
    if old not in text:
        raise _edited_by_hand(f"`{path}` does not hold `{old.strip()}`")
    return with_text(tree, path, text.replace(old, new, 1))


def _edited_by_hand(true: str) -> RehearsalError:
    return RehearsalError(
        f"{true}, which the rehearsal's commits edit",
        "The repository is as it was.",
        "Bring that place back in a commit of your own, or remove the repository and run again.",
    )
