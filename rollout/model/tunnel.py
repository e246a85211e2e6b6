"""Says what a tunnel's program means with what it wrote, by Google's numbers and fixed words.

Source: `gcloud compute start-iap-tunnel` and its `iap_tunnel_websocket.py`, Google Cloud CLI 528,
run and read 2026-11-25.
"""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal["no-login", "forbidden", "no-backend", "no-instance", "unknown"]
"""Who asks is not logged in any more; may not ask; the machine does not listen; there is none."""

_SIGNS: tuple[tuple[Meaning, str], ...] = (
    ("no-login", r"active account selected|refreshing your current auth tokens|Reauthentication"),
    ("no-login", r"\b401\b|invalid_grant|UNAUTHENTICATED"),
    ("forbidden", r"\[4033:|not authorized|\b403\b|PERMISSION_DENIED|Required '\S+' permission"),
    ("no-backend", r"\[4003:|\[4047:|\[4010:"),
    ("no-instance", r"resource '\S+' was not found|\b404\b"),
)


def judge_tunnel(said: str) -> Meaning:
    """Return what a tunnel's program means with its last words.

    Example:
        >>> judge_tunnel("Error while connecting [4033: 'not authorized'].")
        'forbidden'
    """
    for meaning, sign in _SIGNS:
        if re.search(sign, said):
            return meaning
    return "unknown"


def tunnel_line(said: str) -> str:
    r"""Return what says what is wrong, of all that a tunnel's program wrote, as one line.

    Example:
        >>> tunnel_line("WARNING: slow\nERROR: (iap) Could not fetch:\n - it was not found")
        'ERROR: (iap) Could not fetch: it was not found'
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    at = next((number for number, line in enumerate(lines) if line.startswith("ERROR:")), -1)
    line = lines[at]
    if line.endswith(":") and at + 1 < len(lines):
        return f"{line} {lines[at + 1].removeprefix('- ')}"
    return line
