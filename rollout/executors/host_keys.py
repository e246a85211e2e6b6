"""Reads which keys a machine has told Google, through Google's own client.

The guest agent writes them when the machine starts for the first time. They come over Google's
authenticated API, so nobody between us and the machine can put another in their place.

Source: Compute Engine API v1, `instances.getGuestAttributes` (permission
`compute.instances.getGuestAttributes`); "Set and query guest attributes", namespace `hostkeys`;
read 2026-11-25.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError  # pyright: ignore[reportMissingTypeStubs]

from rollout.decide.host_key import choose_host_key
from rollout.errors import HostKeyUnavailable, HostKeyUnknown
from rollout.executors.google_login import refuses_login

if TYPE_CHECKING:
    from rollout.model.target import Instance

REQUEST_TIMEOUT_S = 10.0
"""How long one request may take, in seconds."""
PERMISSION = "compute.instances.getGuestAttributes"
_NAMESPACE = "hostkeys/"
_TRIES_AGAIN = 2
_UNAUTHORIZED, _TOO_MANY, _SERVER_ERROR = 401, 429, 500
_UNREACHABLE = (httplib2.HttpLib2Error, OSError, GoogleAuthError)


def read_host_key(client: Any, instance: Instance) -> str:
    """Return the key that a machine must show: `ssh-ed25519 AAAA...`.

    Args:
        client: Google's client of `compute`, version v1, with its credentials.
        instance: The machine.

    Raises:
        HostKeyUnknown: When Google refuses to tell, or the machine has told no key.
        HostKeyUnavailable: When Google cannot be asked now.
    """
    asked = client.instances().getGuestAttributes(
        project=instance.project,
        zone=instance.zone,
        instance=instance.name,
        queryPath=_NAMESPACE,
    )
    try:
        told = asked.execute(num_retries=_TRIES_AGAIN)
    except HttpError as error:
        raise _refused(instance, error) from error
    except _UNREACHABLE as error:
        if refuses_login(error):
            raise _no_login(instance, str(error)) from error
        raise HostKeyUnavailable(
            f"Google cannot be asked for the key of {instance}: {type(error).__name__}: {error}",
            next_step="Check the worker's connection, then retry.",
        ) from error
    items = told.get("queryValue", {}).get("items", ())
    key = choose_host_key({str(item["key"]): str(item["value"]) for item in items})
    if not key:
        raise HostKeyUnknown(
            f"{instance} has told Google no SSH host key",
            next_step="Set the metadata enable-guest-attributes=TRUE before the machine's first "
            "start, or pin its key as host_key in its block.",
        )
    return key


def _refused(instance: Instance, error: Any) -> HostKeyUnknown:
    """Return what Google's refusal means; its own words are kept."""
    status = int(error.resp.status)
    if status == _UNAUTHORIZED:
        return _no_login(instance, str(error.reason))
    is_passing = status >= _SERVER_ERROR or status == _TOO_MANY
    steps = {
        403: f"Give the worker's account {PERMISSION} on project {instance.project}, and see that "
        "the Compute Engine API is enabled there.",
        404: "Correct the block's instance; if it is right, the machine has told no key: set the "
        "metadata enable-guest-attributes=TRUE before its first start, or pin its key as host_key.",
    }
    refused = (HostKeyUnavailable if is_passing else HostKeyUnknown)(
        f"Google does not tell the host key of {instance}: HTTP {status}: {error.reason}",
        next_step=steps.get(status, "Retry when Google answers again."),
    )
    refused.http_status = status
    return refused


def _no_login(instance: Instance, words: str) -> HostKeyUnknown:
    refused = HostKeyUnknown(
        f"Google does not tell the host key of {instance}: HTTP 401: {words}",
        next_step="Renew the credentials of the gcp-project block, then retry.",
    )
    refused.http_status = _UNAUTHORIZED
    return refused
