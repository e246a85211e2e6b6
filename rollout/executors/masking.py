"""Hides secrets in text that other programs wrote.

A program may print what it was given, whole or in part: so the lines of a secret that has several,
and the password inside a URL, are hidden too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rollout.model.command import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Anything shorter would hide half of an innocent log, and is no secret worth the name.
SHORTEST_SECRET = 4


def masking(secrets: Iterable[Secret]) -> Callable[[str], str]:
    """Return a function that replaces every secret in a text by asterisks.

    Args:
        secrets: What to hide; none returns texts as they are.
    """
    parts = {part for secret in secrets for part in _parts(secret.reveal())}
    if not parts:
        return lambda text: text
    # The longest first: a URL is hidden as a whole before its password is looked for.
    pattern = re.compile("|".join(map(re.escape, sorted(parts, key=len, reverse=True))))
    return lambda text: pattern.sub(MASK, text)


def _parts(text: str) -> Iterator[str]:
    """Yield what must not be seen of one secret: the whole, each line, a URL's password."""
    password = _password(text.strip())
    for part in (text.strip(), *text.splitlines(), password, unquote(password)):
        if len(part.strip()) >= SHORTEST_SECRET:
            yield part.strip()


def _password(text: str) -> str:
    try:
        return urlsplit(text).password or ""
    except ValueError:
        return ""
