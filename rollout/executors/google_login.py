"""Tells a login that Google refuses from a Google that does not answer.

By status code, and by the codes of OAuth, which Google's libraries hand on within a text.

Source: RFC 6749, section 5.2; `google.auth.exceptions`, google-auth 2; read 2026-11-25.
"""

from __future__ import annotations

import re
from typing import Any, cast

from google.api_core.exceptions import Unauthenticated
from google.auth.exceptions import RefreshError

_CODES = re.compile(r"\b(?:invalid_grant|invalid_client|unauthorized_client|invalid_rapt)\b")


def refuses_login(error: Exception) -> bool:
    """Return whether an error of Google's libraries means that the account itself is refused.

    Args:
        error: What was raised instead of an answer, or for one of status 401 over gRPC.
    """
    if isinstance(error, RefreshError):
        return not cast("Any", error).retryable
    return isinstance(error, Unauthenticated) or bool(_CODES.search(str(error)))
