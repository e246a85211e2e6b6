"""Says what the Cloud SQL Auth Proxy means with its last words, by Google's status codes.

Source: `cloud-sql-proxy` 2.25 and `cloud-sql-go-connector`, their sources and issues 1651, 2295 and
2361; read 2026-11-25.
"""

from __future__ import annotations

import re
from typing import Literal

ProxyMeaning = Literal["no-login", "forbidden", "no-instance", "unknown"]
"""Who asks is not logged in any more; may not ask; there is no such instance."""

_SIGNS: tuple[tuple[ProxyMeaning, str], ...] = (
    ("no-login", r"\b401\b|invalid_grant|invalid_client|default credentials|cannot fetch token"),
    ("forbidden", r"googleapi: Error 403\b"),
    ("no-instance", r"googleapi: Error 404\b"),
)


def judge_proxy(said: str) -> ProxyMeaning:
    """Return what the proxy means with its last words.

    Example:
        >>> judge_proxy("googleapi: Error 403: The client is not authorized to make this request.")
        'forbidden'
    """
    for meaning, sign in _SIGNS:
        if re.search(sign, said):
            return meaning
    return "unknown"
