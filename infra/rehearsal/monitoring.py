"""Cloud Monitoring, as far as its alerts go: those of a project, newest first, page by page.

Statuses, reasons and texts are the real service's.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alerts/list and the role
that it needs, monitoring.alertViewer (read 2026-11-25).
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs

from infra.rehearsal.google_rest import Refused

_ALERTS: Final = re.compile(r"/v3/projects/([^/?]+)/alerts")
_PAGE: Final = 50
_LARGEST_PAGE: Final = 1000
_NEWEST_FIRST: Final = "open_time desc"


def fresh(project: str) -> dict[str, Any]:
    """Return the document of a project that has no alerts.

    `denied` tells whether the caller may not list them; `alerts` are as the service shows them.
    """
    return {"projects": {project: {"denied": False, "alerts": []}}}


def answer(document: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> Any:  # noqa: ARG001 - a read has no body
    """Return what the service answers to one request.

    Raises:
        Refused: with 400, 403 or 404.
    """
    place, _, query = path.partition("?")
    found = _ALERTS.fullmatch(place)
    if found is None or method != "GET":
        raise Refused(404, "notFound", f"{method} {place} is nothing that this service has.")
    project = document["projects"].get(found[1])
    if project is None or project["denied"]:
        # A caller without rights is not told whether there is such a project.
        raise Refused(403, "forbidden", "Permission denied (or the resource may not exist).")
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    if asked.get("orderBy", _NEWEST_FIRST) != _NEWEST_FIRST:
        raise Refused(400, "badRequest", f"This stand-in orders by `{_NEWEST_FIRST}` only.")
    return _page(project["alerts"], asked)


def _page(alerts: list[dict[str, Any]], asked: dict[str, str]) -> Any:
    size = min(int(asked.get("pageSize", "0")) or _PAGE, _LARGEST_PAGE)
    begin = int(asked.get("pageToken", "0"))
    ordered = sorted(alerts, key=lambda one: one["openTime"], reverse=True)
    shown = ordered[begin : begin + size]
    told: dict[str, Any] = {"alerts": shown, "totalSize": len(ordered)}
    if begin + size < len(ordered):
        told["nextPageToken"] = str(begin + size)
    return told
