"""What GitHub's REST API answers, as far as the pipeline asks it; a document in, values out.

The document is the stand-in's memory: `fresh` says what is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

REPOSITORY: Final = "trovella/trovella"
API_VERSION: Final = "2022-11-28"
DESCRIPTION_LIMIT: Final = 140
Answer = tuple[int, Any]
"""An HTTP status, and what is said as JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API.

    Attributes:
        method: GET or POST.
        path: the whole path, without its query.
        query: the first value of each name.
        said: the body; empty for a read.
        token: what proves the caller, as the header says it.
        version: the version of the API that the caller wants.
        url: under which address the caller found GitHub.
    """

    method: str
    path: str
    query: dict[str, str]
    said: dict[str, Any]
    token: str
    version: str
    url: str


def fresh(token: str) -> dict[str, Any]:
    """Return the memory of a repository in which nobody has asked for anything.

    Args:
        token: what proves a caller.
    """
    return {
        "token": token,
        "may_write": True,  # whether the token may push, open pull requests, make deployments
        "waiting": False,  # whether every caller is told to wait
        "answers_lost": 0,  # how many answers to a POST get lost on their way
        "behind": 0,  # how many times it does not find yet what was opened a moment ago
        "asked": [],  # method and path of each request, in order
        "pulls": [],
        "deployments": [],  # each with its `statuses`
    }


def answer(document: dict[str, Any], request: Request, branches: tuple[str, ...]) -> Answer:
    """Return what the API says to a request, and keep in the document what that made.

    Args:
        document: the memory.
        request: what is asked.
        branches: the repository's.
    """
    refused = _refused(document, request)
    if refused is not None:
        return refused
    reads = request.method == "GET"
    match request.path.removeprefix(f"/repos/{REPOSITORY}/").split("/"):
        case ["pulls"]:
            return _pulls_found(document, request) if reads else _open(document, request, branches)
        case ["deployments"]:
            return _deployments_found(document, request) if reads else _deploy(document, request)
        case ["deployments", number, "statuses"] if not reads:
            return _progress(document, int(number), request.said)
        case _:
            return 404, {"message": "Not Found"}


def stage(deployment: dict[str, Any]) -> str:
    """Return how far a deployment is; empty before anybody said so."""
    statuses = deployment["statuses"]
    return statuses[-1]["state"] if statuses else ""


def shown(document: dict[str, Any], run_id: str) -> str:
    """Return what GitHub shows of a run, as a line for a person; empty where it shows nothing.

    Args:
        document: the memory.
        run_id: the flow run's.
    """
    made = [one for one in document["deployments"] if one["payload"].get("run") == run_id]
    return ", ".join(
        f"deployment {one['id']} of {one['ref'][:12]} to {one['environment']}: "
        f"{stage(one) or 'nobody has said how far'}"
        for one in made
    )


def _refused(document: dict[str, Any], request: Request) -> Answer | None:
    if document["waiting"]:
        return 429, {"message": "You have exceeded a secondary rate limit"}
    if request.token != f"Bearer {document['token']}":
        return 401, {"message": "Bad credentials"}
    if request.version != API_VERSION:
        return 400, {"message": "no such version"}
    if request.method == "POST" and not document["may_write"]:
        return 403, {"message": "Resource not accessible by personal access token"}
    return None


def _pulls_found(document: dict[str, Any], request: Request) -> Answer:
    if document["behind"]:
        document["behind"] -= 1
        return 200, []
    query = request.query
    owner, _, branch = query["head"].partition(":")
    return 200, [
        one
        for one in document["pulls"]
        if owner == REPOSITORY.partition("/")[0]
        and one["head"]["ref"] == branch
        and one["base"]["ref"] == query["base"]
        and query["state"] in ("all", one["state"])
    ]


def _open(document: dict[str, Any], request: Request, branches: tuple[str, ...]) -> Answer:
    said, pulls = request.said, document["pulls"]
    known = [one for one in pulls if one["head"]["ref"] == said["head"]]
    if any(one["state"] == "open" for one in known):
        return _invalid(f"A pull request already exists for {said['head']}.")
    if said["head"] not in branches:
        return _invalid("head is invalid")
    number = len(pulls) + 1
    pull = {
        "number": number,
        "html_url": f"{request.url}/{REPOSITORY}/pull/{number}",
        "state": "open",
        "merged_at": None,
        "title": said["title"],
        "body": said["body"],
        "head": {"ref": said["head"]},
        "base": {"ref": said["base"]},
    }
    pulls.append(pull)
    return 201, pull


def _deployments_found(document: dict[str, Any], request: Request) -> Answer:
    wanted = {name: request.query[name] for name in ("sha", "environment")}
    return 200, [one for one in document["deployments"] if wanted.items() <= one.items()]


def _deploy(document: dict[str, Any], request: Request) -> Answer:
    said = request.said
    if said["required_contexts"] != [] or said["auto_merge"] is not False:
        return 409, {"message": "Conflict: Commit status checks failed"}
    number = len(document["deployments"]) + 1
    made = {"id": number, "sha": said["ref"], "statuses": [], **said}
    document["deployments"].append(made)
    return 201, made


def _progress(document: dict[str, Any], number: int, said: dict[str, Any]) -> Answer:
    """Say how far a deployment is; a success ends the earlier ones, as GitHub has it."""
    if len(said["description"]) > DESCRIPTION_LIMIT:
        return _invalid(f"description is too long (maximum is {DESCRIPTION_LIMIT} characters)")
    for one in document["deployments"]:
        same = one["environment"] == said["environment"] and one["id"] != number
        if same and said["state"] == "success" and stage(one) == "success":
            one["statuses"].append({"id": 0, "state": "inactive"})
    made = {"id": 100 + len(document["asked"]), **said}
    document["deployments"][number - 1]["statuses"].append(made)
    return 201, made


def _invalid(told: str) -> Answer:
    return 422, {"message": "Validation Failed", "errors": [{"message": told}]}
