"""Hides secrets in text that other programs wrote.

A program may print what it was given, whole or in part: so the lines of a secret that has several,
and the password inside a URL, are hidden too.

What everybody may know, such as the public address, is never hidden where it stands alone, although
a secret may equal it or a part of it (an application keeps its own address among its secrets):
stars there hide nothing, and tell what the secret is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rollout.model.command import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Anything shorter would hide half of an innocent log, and is no secret worth the name.
SHORTEST_SECRET = 4
_NEVER = "(?!)"


def masking(secrets: Iterable[Secret], public: Iterable[str] = ()) -> Callable[[str], str]:
    """Return a function that replaces every secret in a text by asterisks.

    Args:
        secrets: What to hide; none returns texts as they are.
        public: Texts that everybody may know. One that stands alone is shown, whatever a secret
            equals of it; a secret that has more than it in it is hidden whole.

    Example:
        >>> mask = masking([Secret("a.example"), Secret("redis://:pw@a.example")], ["a.example"])
        >>> mask("a.example asks redis://:pw@a.example")
        'a.example asks ********'
    """
    parts = {part for secret in secrets for part in _parts(secret.reveal())}
    if not parts:
        return lambda text: text
    hidden, shown = _anywhere(parts), _anywhere(filter(None, public), alone=True)

    def mask(text: str) -> str:
        known = list(_spans(shown, text))
        secret = [one for one in _spans(hidden, text) if not any(_within(one, k) for k in known)]
        return _starred(text, secret)

    return mask


def _anywhere(parts: Iterable[str], *, alone: bool = False) -> re.Pattern[str]:
    """Return what finds the longest of texts wherever one begins, also inside another one."""
    either = "|".join(map(re.escape, sorted(parts, key=len, reverse=True))) or _NEVER
    # A part of a longer name or number is not that text: `a.example` is not in `b.a.example`.
    return re.compile(rf"(?<![\w.-])(?=({either})(?![\w-]|\.\w))" if alone else f"(?=({either}))")


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (found.span(1) for found in pattern.finditer(text))


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _starred(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with stars for spans in their order; those that overlap become one."""
    kept: list[str] = []
    end = 0
    for begin, until in spans:
        if begin >= end:
            kept += (text[end:begin], MASK)
        end = max(end, until)
    return "".join((*kept, text[end:]))


def _parts(text: str) -> Iterator[str]:
    """Yield what must not be seen of one secret: the whole, each line, a URL's password.

    Each also as JSON has it.
    """
    password = _password(text.strip())
    for part in (text.strip(), *text.splitlines(), password, unquote(password)):
        if len(part.strip()) >= SHORTEST_SECRET:
            yield part.strip()
            yield from _as_json(part.strip())


def _as_json(part: str) -> tuple[str, str]:
    """Return a text as it stands inside a string of JSON, as logs have it, written either way."""
    return json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]


def _password(text: str) -> str:
    try:
        return urlsplit(text).password or ""
    except ValueError:
        return ""
