"""Where a command finds Prefect's server, and what it says when that does not answer."""

from __future__ import annotations

from http import HTTPStatus

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from rollout.errors import ConfigInvalid, RolloutError

UNANSWERED = (httpx.TransportError, PrefectHTTPStatusError)
"""What Prefect's client raises when the server cannot be reached, or refuses to answer."""
_TO_SET = "docs/recover.md has the two lines that set it in a shell"


def demand_address() -> str:
    """Return the address of Prefect's API.

    Raises:
        ConfigInvalid: When nobody said where it is: Prefect would bring an empty server of its own.
    """
    url = get_current_settings().api.url
    if not url:
        raise ConfigInvalid("PREFECT_API_URL", f"should be the address of Prefect's API; {_TO_SET}")
    return url


def unanswered(error: Exception) -> RolloutError:
    """Return one of `UNANSWERED` as an error of ours; it says of a refused login that it is one."""
    url = get_current_settings().api.url
    if (
        isinstance(error, PrefectHTTPStatusError)
        and error.response.status_code == HTTPStatus.UNAUTHORIZED
    ):
        return RolloutError(
            f"Prefect's server at {url} wants another login",
            next_step=f"Set PREFECT_API_AUTH_STRING, or correct it; {_TO_SET}.",
        )
    return RolloutError(
        f"Prefect's server at {url} does not answer: {error}",
        next_step="Start the server, or correct PREFECT_API_URL; docs/recover.md says how.",
    )
