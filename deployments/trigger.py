"""`bin/trigger FLOW --environment NAME`: start a run of one of `FLOWS` and be its mirror.

Creates one run for one idempotency key, follows its log, and ends as it ended: 0 only when it is
Completed, 3 when a newer deploy took its place, 1 otherwise. Stopped by Ctrl-C or a cancelled CI
job it lets the run go on, says so and ends with 130: a deploy is never cut in two by whoever
watches it.

Prefect's CLI has no idempotency key, reads `sha=1234567` as a number and shows no log; hence this.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

from deployments.following import ApiGone, Follower, Patience, run_url
from deployments.login import read_login
from deployments.outcome import Outcome, render_line, render_offered, render_summary
from deployments.server import demand_address
from rollout.errors import ConfigInvalid, RolloutError
from rollout.render.form import PARAMETER, as_offered, choices_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

FLOWS = (
    *("deploy", "promote", "rollback", "sync-secrets", "verify"),
    *("drift", "hold", "release-hold"),
)
SHORTHANDS = ("commit", "release", "to", "reason", "actor", "strategy")
TIMEOUT_S = 3600.0
API_GONE_S = 300.0
INTERRUPTED = 130
SUPERSEDED = 3
DRY_RUNS = ("deploy", "promote", "rollback")
READ_ONLY = ("verify", "drift")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started.

    Attributes:
        flow: The flow's name.
        environment: The deployment's name.
        parameters: The run's parameters; text stays text.
        key: Two orders with the same key are one run.
        timeout_s: How long the run is followed, in seconds.
    """

    flow: str
    environment: str
    parameters: dict[str, Any]
    key: str
    timeout_s: float

    @property
    def deployment(self) -> str:
        """Return the deployment's name as Prefect has it."""
        return f"{self.flow}/{self.environment}"


def read_order(arguments: Sequence[str] | None = None) -> tuple[Order, bool]:
    """Return what the command line asks for, and whether the answer is to be JSON."""
    parser = argparse.ArgumentParser(prog="bin/trigger", description=__doc__)
    parser.add_argument("flow", choices=FLOWS)
    parser.add_argument("--environment", required=True, help="a file in deployments/")
    for name in SHORTHANDS:
        parser.add_argument(f"--{name}", help=f"the same as --parameter {name}=...")
    parser.add_argument(
        "--accept", action="append", default=[], metavar="NAME", help="taken upon this run; repeat"
    )
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=TEXT", type=_pair)
    parser.add_argument("--parameters", type=_object, default={}, metavar="JSON")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="deploy, promote, rollback: only tell what would be done",
    )
    parser.add_argument("--idempotency-key", help="two runs with one key are one; default: none")
    parser.add_argument("--timeout-s", type=float, default=TIMEOUT_S, help="default %(default)s")
    parser.add_argument("--json", action="store_true", help="the outcome as one line of JSON")
    given = parser.parse_args(arguments)
    short = {name: getattr(given, name) for name in SHORTHANDS}
    parameters = given.parameters | dict(given.parameter)
    parameters |= {name: text for name, text in short.items() if text is not None}
    if given.dry_run and given.flow not in DRY_RUNS:
        told = "changes nothing in any case" if given.flow in READ_ONLY else "has no dry run"
        parser.error(f"--dry-run: {given.flow} {told}")
    parameters |= {"dry_run": True} if given.dry_run else {}
    parameters |= {"accept": given.accept} if given.accept else {}
    # Without a key of the caller's, one of our own still makes a repeated request the same run.
    key = given.idempotency_key or f"trigger-{uuid.uuid4()}"
    return Order(given.flow, given.environment, parameters, key, given.timeout_s), given.json


def trigger(order: Order, client: SyncPrefectClient, patience: Patience) -> Outcome:
    """Start the run, or find the one that the key already has, and follow it to its end.

    Raises:
        ConfigInvalid: When there is no such deployment, or it refuses the parameters.
        RolloutError: When the API was gone, or the time over, before the run ended.
        KeyboardInterrupt: When whoever watches has gone.
    """
    run = patience.ask(lambda: _create(order, client))
    tell(f"{order.deployment}: {run.name} {run_url(run)}")
    append("GITHUB_OUTPUT", f"run_url={run_url(run)}\n")
    follower = Follower(client, patience, run.id, tell)
    goes_on = f"The run goes on: {run_url(run)}"
    try:
        last = follower.follow(order.timeout_s)
        outcome = follower.outcome() if last.state and last.state.is_final() else None
    except ApiGone as error:
        raise RolloutError(
            f"Prefect's API did not answer for {API_GONE_S:.0f} s: {error}",
            left=f"{goes_on}, and its result is unknown.",
            next_step="Look at the run when the server is back.",
        ) from error
    except KeyboardInterrupt:
        tell(f"nobody watches any more\nleft: {goes_on}\nnext: Cancel it there if it should not.")
        raise
    if outcome is None:
        raise RolloutError(
            f"{run.name} is still {last.state_name} after {order.timeout_s:.0f} s",
            left=goes_on,
            next_step="Watch it there; the same idempotency key follows it again.",
        )
    return outcome


def _create(order: Order, client: SyncPrefectClient) -> FlowRun:
    parameters, schema = order.parameters, dict[str, Any]()
    try:
        deployment = client.read_deployment_by_name(order.deployment)
        schema = deployment.parameter_openapi_schema or {}
        parameters = _as_offered(order.parameters, schema)
        return client.create_flow_run_from_deployment(
            deployment.id, parameters=parameters, idempotency_key=order.key
        )
    except ObjectNotFound:
        raise ConfigInvalid(
            order.deployment,
            "is not registered; `python -m deployments.register "
            f"--environment {order.environment}` does it, on the operations machine"
            f"{_once(order)}",
        ) from None
    except PrefectHTTPStatusError as error:
        if error.response.status_code in {httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY}:
            told = f"{_detail(error)}{_unlisted(order, parameters, schema)}"
            raise ConfigInvalid(f"parameters of {order.deployment}", told) from None
        raise


def _once(order: Order) -> str:
    """Return what registering waits for: it leaves promote out until that is set up."""
    if order.flow != "promote":
        return ""
    return f", once deployments/{order.environment}.toml has [promotion] (docs/promote.md)"


def _offered(order: Order, client: SyncPrefectClient, patience: Patience) -> tuple[str, ...]:
    """Return what can be gone back to by now, as the form lists it; nothing for other flows."""
    if order.flow != "rollback":
        return ()
    deployment = patience.ask(lambda: client.read_deployment_by_name(order.deployment))
    return choices_of(deployment.parameter_openapi_schema or {})


def _as_offered(parameters: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return parameters whose release is written as the form's list has it."""
    wanted = parameters.get(PARAMETER)
    if not isinstance(wanted, str):
        return parameters
    return {**parameters, PARAMETER: as_offered(wanted, choices_of(schema))}


def _unlisted(order: Order, parameters: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return what to do about a release that the form's list lacks; nothing for other parameters.

    The list is Prefect's, and the releases are the host's: a rollback without this server, or a
    dump that was restored, leaves it behind.
    """
    choices = choices_of(schema)
    if not choices or parameters.get(PARAMETER, "") in ("", *choices):
        return ""
    again = f"`bin/trigger verify --environment {order.environment}`"
    return f"; where `bin/releases {order.environment}` has that release, {again} renews the list"


def _detail(error: PrefectHTTPStatusError) -> str:
    try:
        return str(error.response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return error.response.text


def _failed(told: str) -> int:
    """Say in three parts why there is no outcome, for people and in the summary."""
    fenced = told.replace("```", "'''")
    append("GITHUB_STEP_SUMMARY", f"```text\n{fenced}\n```\n")
    tell(told)
    return 1


def report(outcome: Outcome, *, as_json: bool) -> None:
    """Say what the run came to, on standard output and in the CI job's summary."""
    append("GITHUB_STEP_SUMMARY", render_summary(outcome))
    if as_json:
        print(render_line(outcome), flush=True)
    tell(f"{outcome.name}: {outcome.state} after {outcome.seconds:.0f} s {outcome.url}")
    # A run that had nothing to do, or looked at nothing, says why.
    if outcome.state != "Completed":
        tell(outcome.message)


def append(variable: str, text: str) -> None:
    """Add to the file that CI names in a variable; without the variable do nothing."""
    if name := os.environ.get(variable):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(text)


def tell(text: str) -> None:
    """Write for people; standard output belongs to the answer."""
    print(text, file=sys.stderr, flush=True)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"should be name=text, not {text!r}")
    return name, value


def _object(text: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("should be a JSON object")
    return cast("dict[str, Any]", value)


def _settings() -> dict[Any, Any]:
    """Return the client's settings for this process.

    Raises:
        ConfigInvalid: When nobody said where the API is.
    """
    demand_address()
    login = read_login()
    # Prefect's own retries are silent; Patience says that it waits.
    return {PREFECT_CLIENT_MAX_RETRIES: 0} | ({PREFECT_API_AUTH_STRING: login} if login else {})


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, follow and mirror; return the exit status."""
    order, as_json = read_order(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with temporary_settings(_settings()), get_client(sync_client=True) as client:
            patience = Patience(tell, API_GONE_S)
            outcome = trigger(order, client, patience)
            offered = _offered(order, client, patience)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ApiGone, PrefectHTTPStatusError) as error:
        return _failed(
            f"Prefect's API did not answer the order: {error}\n"
            f"left: No run, unless only the answer was lost; the order has the key {order.key}\n"
            "next: Check PREFECT_API_URL, the login and the server, and trigger it with that key."
        )
    except RolloutError as error:
        return _failed(str(error))
    report(outcome, as_json=as_json)
    append("GITHUB_STEP_SUMMARY", render_offered(offered))
    if outcome.state == "Superseded":
        return SUPERSEDED
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    raise SystemExit(main())
