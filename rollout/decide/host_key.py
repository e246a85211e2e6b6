"""Which of the keys that a machine has told is the one that it must show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BEST_FIRST = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
"""The kinds of keys that Google's guest agent writes, in the order in which one is preferred."""


def choose_host_key(told: Mapping[str, str]) -> str:
    """Return the key to pin as `ssh-ed25519 AAAA...`; empty when there is none of a known kind.

    One is enough: a server is asked for the kind that is pinned.

    Args:
        told: Kind to key, as the guest attributes of the namespace `hostkeys` have them.

    Example:
        >>> choose_host_key({"ssh-rsa": "AAAAB3", "ssh-ed25519": "AAAAC3"})
        'ssh-ed25519 AAAAC3'
    """
    found = (f"{kind} {told[kind].strip()}" for kind in BEST_FIRST if told.get(kind, "").strip())
    return next(found, "")
