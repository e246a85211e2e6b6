"""Asks GitHub's REST API: for pull requests, and for whatever else belongs to a repository.

Source: docs.github.com, REST API, "Pull requests", version 2022-11-28.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from rollout.errors import NOTHING_CHANGED, GitHubRefused, GitHubUnavailable
from rollout.executors.dial import client_to
from rollout.executors.masking import masking
from rollout.model.proposal import PullRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.errors import GitHubError
    from rollout.model.command import Secret
    from rollout.model.proposal import Proposal

T = TypeVar("T")

VERSION = "2022-11-28"
TIMEOUT_S = 20.0
"""How long one request may take, in seconds."""
_FORBIDDEN, _TOO_MANY = 403, 429
_NEXT: dict[int, str] = {
    httpx.codes.UNAUTHORIZED: "Put a token that is in force into the secret that [github] token "
    "names, then retry.",
    httpx.codes.FORBIDDEN: "Give the token the rights to write contents and pull requests of the "
    "repository, then retry.",
    httpx.codes.NOT_FOUND: "Correct [github] repository, or let the token see it, then retry.",
    httpx.codes.UNPROCESSABLE_ENTITY: "Look at the branch on GitHub; open the pull request there.",
}
_MEANS: dict[int, str] = {
    httpx.codes.UNAUTHORIZED: "GitHub does not know the token",
    httpx.codes.FORBIDDEN: "the token may not do that",
    httpx.codes.NOT_FOUND: "GitHub has no such repository, or the token may not see it",
    httpx.codes.UNPROCESSABLE_ENTITY: "GitHub does not take the pull request",
}


class GitHub:
    """One repository on GitHub.

    Args:
        api_url: Where the API answers.
        repository: `owner/name`.
        token: What proves us.
        timeout_s: How long one request may take, in seconds.
    """

    def __init__(
        self, api_url: str, repository: str, token: Secret, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.repository = repository
        self._address = f"{api_url.rstrip('/')}/repos/{repository}"
        self._timeout_s = timeout_s
        self._token = token
        self._mask = masking((token,))

    def find(self, branch: str, base: str) -> PullRequest | None:
        """Return the newest pull request of a branch, whatever became of it; None without one.

        Args:
            branch: The branch that it brings.
            base: The branch that it is meant for.

        Raises:
            GitHubRefused: When GitHub does not know the token or the repository.
            GitHubUnavailable: When it does not answer, or says that we are to wait.
        """
        owner = self.repository.partition("/")[0]
        asked = {"head": f"{owner}:{branch}", "base": base, "state": "all"}

        def read(said: Any) -> list[PullRequest]:
            return [_parse(one) for one in said if one["head"]["ref"] == branch]

        found = self.ask("GET", "pulls", NOTHING_CHANGED, read, params=asked)
        return max(found, key=lambda one: one.number, default=None)

    def open(self, proposal: Proposal, base: str) -> PullRequest:
        """Open a pull request for a branch that was pushed.

        Args:
            proposal: What it brings and says.
            base: The branch that it is meant for.

        Raises:
            GitHubRefused: When GitHub does not take it; the branch stays.
            GitHubUnavailable: When it does not answer; the branch stays, and a retry finds it.
        """
        left = f"Branch {proposal.branch} of {self.repository} is pushed, without a pull request."
        asked = {
            "title": proposal.title,
            "body": proposal.body,
            "head": proposal.branch,
            "base": base,
        }
        return self.ask("POST", "pulls", left, _parse, json=asked)

    def ask(self, method: str, path: str, left: str, read: Callable[[Any], T], **request: Any) -> T:
        """Return what is read from the answer about a part of the repository.

        Args:
            method: `GET` or `POST`.
            path: What is asked for, below the repository.
            left: What state a failure leaves.
            read: Takes the answer's JSON apart; what it stumbles over counts as no answer.
            request: `params` or `json`, as httpx takes them.

        Raises:
            GitHubRefused: When GitHub does not do it.
            GitHubUnavailable: When it does not answer as it should, or says that we are to wait.
        """
        address = f"{self._address}/{path}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token.reveal()}",
            "X-GitHub-Api-Version": VERSION,
        }
        try:
            with client_to("", self._timeout_s) as client:
                answer = client.request(method, address, headers=headers, **request)
            if answer.is_success:
                return read(answer.json())
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            told = f"{type(error).__name__}: {error}"
            told = f"GitHub did not answer as it should at {address}: {told}"
            raise _unavailable(self._mask(told), left) from None
        raise self._refused(answer, address, left)

    def _refused(self, answer: httpx.Response, address: str, left: str) -> GitHubError:
        status = answer.status_code
        told = self._mask(f"HTTP {status}: {_words(answer)} ({address})")
        if answer.is_server_error or _is_to_wait(answer):
            unavailable = _unavailable(f"GitHub cannot answer now: {told}", left)
            unavailable.status = status
            return unavailable
        means = _MEANS.get(status, "GitHub refuses the request")
        next_step = _NEXT.get(status, "Look at what GitHub says, then retry.")
        return GitHubRefused(f"{means}: {told}", status, left=left, next_step=next_step)


def _unavailable(told: str, left: str) -> GitHubUnavailable:
    return GitHubUnavailable(
        told,
        left=left,
        next_step="Look at GitHub's status page and the worker's connection, then retry.",
    )


def _is_to_wait(answer: httpx.Response) -> bool:
    """Return whether GitHub refuses because we, or all together, ask too often."""
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    status: int = answer.status_code
    return status == _TOO_MANY or (status == _FORBIDDEN and spent)


def _words(answer: httpx.Response) -> str:
    """Return what GitHub says is wrong."""
    try:
        said: object = answer.json()
    except ValueError:
        return "no JSON was answered"
    if not isinstance(said, dict):
        return "no object was answered"
    body = cast("dict[str, Any]", said)
    errors = cast("list[object]", body.get("errors") or [])
    more = (cast("dict[str, Any]", one).get("message") for one in errors if isinstance(one, dict))
    return "; ".join(str(one) for one in (body.get("message"), *more) if one)


def _parse(said: dict[str, Any]) -> PullRequest:
    state = "merged" if said.get("merged_at") else said["state"]
    return PullRequest(int(said["number"]), str(said["html_url"]), state)
