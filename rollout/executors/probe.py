"""Asks the public address, as a user would, until it answers as the release should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import httpx

from rollout.decide.outside import is_no_worse
from rollout.executors.clock import monotonic_s, pause
from rollout.executors.dial import outside_client
from rollout.model.layout import release_service
from rollout.model.outside import Dependency
from rollout.model.probe import ProbeReport
from rollout.render.caddyfile import RELEASE_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.config import Verify
    from rollout.model.outside import Outside
    from rollout.model.release import Release

BETWEEN_S = 0.25
# The application answers within 5 s even while its Redis does not.
ANSWER_TIMEOUT_S = 8.0
_LARGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request was answered; `problem` says why it is no good, empty when it is."""

    http_status: int | None = None
    status: str = ""
    version: str = ""
    upstream: str = ""
    problem: str = ""
    dependencies: tuple[Dependency, ...] = ()
    offers_http3: bool = False
    redirect: str = ""


def probe(
    verify: Verify,
    release: Release,
    service: str = "web",
    *,
    before: Outside | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> ProbeReport:
    """Ask until the release answers, healthy and as itself, or the time is over.

    Args:
        verify: What to ask, what to expect and for how long.
        release: What shall answer: its version, or its own name in the proxy's header.
        service: The compose service that is switched; part of that name.
        before: What the address was like before the activation: what failed then may fail now.
            None asks for health.
        log: Called when the answer changes.
    """
    began = monotonic_s()
    attempts, told = 0, ""
    upstream = release_service(service, release.number)
    with outside_client(verify, ANSWER_TIMEOUT_S) as client:
        while True:
            answer = ask(client, verify)
            problem = _problem(answer, verify, release.version.sha, upstream, before)
            answer = replace(answer, problem=problem)
            attempts += 1
            elapsed_s = monotonic_s() - began
            if answer.problem != told:
                log(f"{verify.url}: {answer.problem or 'as it should be'}")
                told = answer.problem
            if not answer.problem or elapsed_s >= verify.timeout_s:
                break
            pause(BETWEEN_S)
    return ProbeReport(
        url=verify.url,
        attempts=attempts,
        http_status=answer.http_status,
        status=answer.status,
        version=answer.version,
        upstream=answer.upstream,
        problem=answer.problem,
        dependencies=answer.dependencies,
        first_ok_after_s=None if answer.problem else round(elapsed_s, 3),
    )


def ask(client: httpx.Client, verify: Verify) -> Answer:
    """Ask once; no answer at all is an answer with a problem and without a status code."""
    try:
        response = client.get(verify.url, headers={"Cache-Control": "no-cache"})
    except httpx.HTTPError as error:
        return Answer(problem=f"{type(error).__name__}: {error}")
    body = _body(response)
    return Answer(
        http_status=response.status_code,
        status=str(body.get("status", "")),
        version=str(body.get(verify.version_key) or ""),
        upstream=response.headers.get(RELEASE_HEADER, ""),
        dependencies=_dependencies(body.get("checks")),
        offers_http3="h3=" in response.headers.get("alt-svc", ""),
        redirect=response.headers.get("location", "") if response.is_redirect else "",
    )


def _body(response: httpx.Response) -> dict[str, Any]:
    """Return the body's JSON object; empty when it is none."""
    try:
        body: object = response.json() if len(response.content) <= _LARGEST_BODY else {}
    except ValueError:
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _dependencies(said: object) -> tuple[Dependency, ...]:
    """Return what `checks` of a body says, by name; empty where it says nothing that we know."""
    if not isinstance(said, dict):
        return ()
    found: list[Dependency] = []
    for name, check in cast("dict[str, object]", said).items():
        if isinstance(check, dict):
            told = cast("dict[str, object]", check)
            took_ms = told.get("latencyMs", told.get("latency_ms"))
            known_ms = float(took_ms) if isinstance(took_ms, int | float) else None
            found.append(Dependency(name, told.get("ok") is True, known_ms))
    return tuple(found)


def _problem(
    answer: Answer, verify: Verify, version: str, upstream: str, before: Outside | None
) -> str:
    """Return why an answer is not the release's, or not a good one; empty when it is both."""
    if answer.problem:
        return answer.problem
    if answer.version and answer.version != version:
        return f"version {answer.version} answers"
    if not answer.version and answer.upstream != upstream:
        return f"{answer.upstream or 'a container without a name'} answers"
    if answer.status == verify.healthy:
        return ""
    if is_no_worse(answer.status, answer.dependencies, before):
        return ""
    sent = f", sends us to {answer.redirect}" if answer.redirect else ""
    return f"HTTP {answer.http_status}, status {answer.status or 'not told'}{sent}"
