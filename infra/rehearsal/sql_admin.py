"""Cloud SQL's Admin API: instances, on-demand backups, their operations, and where to connect to.

An operation is PENDING when it is asked for, RUNNING when it is looked at first, and DONE after
that, unless its instance's fate is another one. Statuses, reasons and texts are the real service's.

Source: https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1 and the IAM permissions of its
methods, and what the Auth Proxy asks, under /sql/v1beta4 (read 2026-11-25); texts from the
service's error messages as its users quote them.
"""

from __future__ import annotations

import re
from typing import Any, Final

from infra.rehearsal import facts
from infra.rehearsal.google_rest import Refused

_RUNS: Final = re.compile(r"/v1/projects/([^/?]+)/instances/([^/?]+)/backupRuns(?:/([0-9]+))?")
_OPERATION: Final = re.compile(r"/v1/projects/([^/?]+)/operations/([^/?]+)")
_CONNECT: Final = re.compile(r"/sql/v1beta4/projects/([^/?]+)/instances/([^/?]+)/connectSettings")
_FIRST_ID: Final = 1_764_000_000_000


def fresh(project: str, *instances: str) -> dict[str, Any]:
    """Return the document of a project with these instances, all of which work.

    An instance's `fate` is `done`, `failed` or `endless`, `denied` lists the permissions that the
    caller lacks on it, `busy` says whether a quota is used up, and `backups` are its runs, oldest
    first.
    """
    made = {
        f"{project}/{name}": {"fate": "done", "denied": [], "busy": False, "backups": []}
        for name in instances
    }
    return {"instances": made}


def answer(document: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> Any:
    """Return what the service answers to one request; the document may be changed by it.

    Raises:
        Refused: with 403, 404, 409 or 429.
    """
    path = path.partition("?")[0]
    runs, operation = _RUNS.fullmatch(path), _OPERATION.fullmatch(path)
    connect = _CONNECT.fullmatch(path)
    if connect and method == "GET":
        return _connect(document, connect[1], connect[2])
    if runs and method == "POST" and runs[3] is None:
        return _insert(document, runs[1], runs[2], body)
    if runs and method == "GET":
        return _runs(document, runs[1], runs[2], runs[3])
    if operation and method == "GET":
        return _look(document, operation[1], operation[2])
    raise Refused(404, "notFound", f"{method} {path} is nothing that this service has.")


def _instance(document: dict[str, Any], project: str, name: str, permission: str) -> dict[str, Any]:
    found = document["instances"].get(f"{project}/{name}")
    if found is None:
        raise Refused(404, "instanceDoesNotExist", "The Cloud SQL instance does not exist.")
    if found.get("busy"):
        text = "Quota exceeded for quota metric 'Mutate requests' and limit 'Mutate requests per "
        raise Refused(429, "rateLimitExceeded", f"{text}minute per user' of the service.")
    if permission in found["denied"]:
        text = "The client is not authorized to make this request."
        raise Refused(403, "notAuthorized", text)
    return found


def _connect(document: dict[str, Any], project: str, name: str) -> Any:
    """Return where all of the rehearsal's instances are: on one server."""
    _instance(document, project, name, "cloudsql.instances.connect")
    return {
        "kind": "sql#connectSettings",
        "backendType": "SECOND_GEN",
        "databaseVersion": "POSTGRES_18",
        "region": "us-central1",
        "ipAddresses": [{"type": "PRIMARY", "ipAddress": facts.DATABASE}],
    }


def _insert(document: dict[str, Any], project: str, name: str, body: dict[str, Any]) -> Any:
    instance = _instance(document, project, name, "cloudsql.backupRuns.create")
    if any(run["status"] in ("ENQUEUED", "RUNNING") for run in instance["backups"]):
        text = "Operation failed because another operation was already in progress."
        raise Refused(409, "operationInProgress", f"{text} Try your request after it is complete.")
    number = str(_FIRST_ID + len(instance["backups"]))
    run = {
        "kind": "sql#backupRun",
        "id": number,
        "instance": name,
        "description": body.get("description", ""),
        "type": "ON_DEMAND",
        "status": "ENQUEUED",
    }
    instance["backups"].append(run)
    return _operation(project, name, run, "PENDING")


def _runs(document: dict[str, Any], project: str, name: str, number: str | None) -> Any:
    permission = f"cloudsql.backupRuns.{'get' if number else 'list'}"
    runs = _instance(document, project, name, permission)["backups"]
    if number is None:
        return {"kind": "sql#backupRunsList", "items": runs[::-1]}
    found = next((run for run in runs if run["id"] == number), None)
    if found is None:
        raise Refused(404, "notFound", "The backup run does not exist.")
    return found


def _look(document: dict[str, Any], project: str, operation: str) -> Any:
    name, _, number = operation.rpartition(".")
    instance = _instance(document, project, name, "cloudsql.instances.get")
    run = next((run for run in instance["backups"] if run["id"] == number), None)
    if run is None:
        raise Refused(404, "operationDoesNotExist", "The Cloud SQL operation does not exist.")
    if run["status"] == "ENQUEUED":
        run["status"] = "RUNNING"
    elif run["status"] == "RUNNING" and instance["fate"] != "endless":
        run["status"] = "SUCCESSFUL" if instance["fate"] == "done" else "FAILED"
    ended = run["status"] in ("SUCCESSFUL", "FAILED")
    return _operation(project, name, run, "DONE" if ended else "RUNNING")


def _operation(project: str, name: str, run: dict[str, Any], status: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kind": "sql#operation",
        "name": f"{name}.{run['id']}",
        "operationType": "BACKUP_VOLUME",
        "status": status,
        "targetId": name,
        "targetProject": project,
        "backupContext": {"kind": "sql#backupContext", "backupId": run["id"]},
    }
    if run["status"] == "FAILED":
        error = {
            "kind": "sql#operationError",
            "code": "INTERNAL_ERROR",
            "message": "The disk's snapshot could not be made.",
        }
        told["error"] = {"kind": "sql#operationErrors", "errors": [error]}
    return told
