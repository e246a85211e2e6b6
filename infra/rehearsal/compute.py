"""Compute Engine, as far as guest attributes go: what a machine tells about itself.

Statuses, reasons and texts are the real service's.

Source: Compute Engine API v1, `instances.getGuestAttributes`, and what `gcloud compute instances
get-guest-attributes` shows of its errors (read 2026-11-25).
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs

from infra.rehearsal.google_rest import Refused

_ATTRIBUTES: Final = re.compile(
    r"/compute/v1/projects/([^/?]+)/zones/([^/?]+)/instances/([^/?]+)/getGuestAttributes"
)
PERMISSION: Final = "compute.instances.getGuestAttributes"


def fresh() -> dict[str, Any]:
    """Return the document of a service that has no machines.

    `machines` has them by `project/zone/name`: `hostkeys` is kind to key, `denied` tells whether
    the caller may not read them. `asked` is how often anybody did.
    """
    return {"machines": {}, "asked": 0}


def answer(document: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> Any:  # noqa: ARG001 - a read has no body
    """Return what the service answers to one request.

    Raises:
        Refused: with 403 or 404.
    """
    place, _, query = path.partition("?")
    found = _ATTRIBUTES.fullmatch(place)
    if found is None or method != "GET":
        raise Refused(404, "notFound", f"{method} {place} is nothing that this service has.")
    document["asked"] += 1
    project, zone, name = found.groups()
    resource = f"projects/{project}/zones/{zone}/instances/{name}"
    machine = document["machines"].get(f"{project}/{zone}/{name}")
    if machine is None:
        raise Refused(404, "notFound", f"The resource '{resource}' was not found")
    if machine["denied"]:
        raise Refused(403, "forbidden", f"Required '{PERMISSION}' permission for '{resource}'")
    asked = parse_qs(query).get("queryPath", [""])[0]
    if asked != "hostkeys/" or not machine["hostkeys"]:
        text = f"The resource '{asked}' of type 'Guest Attribute' was not found."
        raise Refused(404, "notFound", text)
    items = [
        {"namespace": "hostkeys", "key": kind, "value": key}
        for kind, key in sorted(machine["hostkeys"].items())
    ]
    return {
        "kind": "compute#guestAttributes",
        "queryPath": asked,
        "queryValue": {"items": items},
    }
