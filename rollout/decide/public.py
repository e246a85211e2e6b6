"""Decides what of an environment everybody may know, so that nothing hides it."""

from __future__ import annotations

from urllib.parse import urlsplit


def public_facts(url: str, *others: str) -> tuple[str, ...]:
    """Return the public address, its origin, its host's name, and what else is public.

    Args:
        url: The public address; empty means that there is none.
        others: Names and addresses that no secret can be, such as the registry's; empty ones count
            for nothing.

    Example:
        >>> public_facts("https://trovella.ai/api/health", "")
        ('https://trovella.ai/api/health', 'https://trovella.ai', 'trovella.ai')
    """
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return tuple(filter(None, dict.fromkeys((url, origin, parts.hostname or "", *others))))
