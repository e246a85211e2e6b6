"""What bin/doctor calls well is what a deploy would take, and the other way round."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployments import doctor, looks
from deployments.register import register
from rollout.config import Environment, parse_environment
from rollout.errors import AlertsUnavailable, ConfigInvalid, EngineError, RolloutError
from rollout.model.alert import Alert
from rollout.model.host import MachineFacts
from rollout.model.lease import Holder, LeaseFacts
from rollout.model.manifest import Named, Places
from rollout.model.secrets import Unusable
from tests.support.values import APPLICATION, SMALL_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable

GIB = 1024**3
READY = MachineFacts(
    user="deploy", sudo=True, engine="26.1.5", docker=True, compose="2.26.1", running=5,
    free_bytes=9 * GIB,
)  # fmt: skip
ADA = Holder("ada", "a slow query", since="2026-11-23T08:00:00Z")


def refused(look: Callable[[], str]) -> tuple[str, str]:
    with pytest.raises(RolloutError) as raised:
        look()
    return raised.value.true, raised.value.next_step


def machine(facts: MachineFacts) -> str:
    return looks.told_machine(facts, APPLICATION, "deploy", "vm")


def test_a_host_that_a_deploy_would_prepare_is_well():
    assert machine(READY) == (
        "deploy@vm, engine 26.1.5, compose 2.26.1, 5 containers, 9.0 GiB free"
    )


@pytest.mark.parametrize(
    ("facts", "why", "advice"),
    [
        (
            replace(READY, docker=False, engine="", compose=""),
            "there is no docker program",
            "Install Docker Engine 25 or later",
        ),
        (replace(READY, engine=""), "the Docker engine does not answer", "service docker start"),
        (replace(READY, sudo=False), "deploy may not use sudo", "NOPASSWD"),
        (replace(READY, engine="24.0.9"), "the Docker engine is 24.0.9", "Upgrade the Docker"),
        (replace(READY, compose="2.20.0"), "the compose plugin is 2.20.0", "Upgrade the compose"),
        (replace(READY, free_bytes=GIB), "1024 MiB are free on the host", "Free some"),
    ],
)
def test_a_host_that_a_deploy_would_refuse_is_not_well(facts: MachineFacts, why: str, advice: str):
    true, next_step = refused(lambda: machine(facts))

    assert f"; a deploy is refused: {why}" in true
    assert advice in next_step


def test_a_hold_is_not_well_and_a_run_at_work_is():
    assert looks.told_lease(LeaseFacts(), "production") == "free"
    assert looks.told_lease(LeaseFacts(holder=ADA), "production").startswith("held by ada since")
    assert refused(lambda: looks.told_lease(LeaseFacts(hold=ADA), "production")) == (
        "free; held back by ada since 2026-11-23T08:00:00Z (a slow query): deploys and rollbacks "
        "are refused",
        "Ask them, or let deploys go on with `bin/release-hold --environment production`.",
    )


MANIFEST = """
[secrets]
[settings]
LOG_LEVEL = "info"
[manifest]
code = ["src/**"]
example = ".env.example"
"""


def small(text: str) -> Environment:
    return parse_environment("small.toml", SMALL_ENVIRONMENT + text)


def test_variables_that_quality_warns_of_are_told_and_well():
    warned = looks.told_variables(Places(), small(MANIFEST), "c0ffee")

    assert warned.splitlines()[0] == "1 differences at c0ffee, of which quality warns"
    assert ".env.example: variable-unnamed: " in warned

    code = (Named("PORT", "src/server.js", 9),)
    true, next_step = refused(lambda: looks.told_variables(Places(code), small(MANIFEST), "c0ffee"))
    assert true.splitlines()[0] == "2 differences at c0ffee, for 1 of which quality fails"
    assert next_step == "Correct the files, or deployments/*.toml."


def test_a_missing_token_of_github_is_told_and_well():
    assert looks.told_secrets(("a", "b"), {}) == "2 of 2 can be read"
    unusable = {"token": Unusable("token", "does not exist or has no version")}
    assert looks.told_secrets(("a", "b"), unusable).splitlines() == [
        "2 of 3 can be read",
        "GitHub's token token does not exist or has no version: GitHub shows no deployments, and "
        "a rollback by revert or corrective opens no pull request",
    ]


def test_an_engine_matters_where_a_worker_runs():
    error = EngineError("the Docker engine cannot be used", next_step="Check that Docker runs.")

    laptop = looks.told_unable(error, "laptop", ("vm-3-ab12cd",))

    assert laptop.splitlines() == [
        "this machine (laptop): the Docker engine cannot be used",
        "It runs no worker that is online, and images are built where the worker runs: look from "
        "there too.",
    ]
    true, next_step = refused(lambda: looks.told_unable(error, "vm-3", ("vm-3-ab12cd",)))
    assert true == "this machine (vm-3): the Docker engine cannot be used"
    assert next_step == "Check that Docker runs."


class _Monitoring:
    """A project whose alerts are these, or cannot be read."""

    def __init__(self, *newest: Alert) -> None:
        self._newest = newest

    def alerts(self) -> _Monitoring:
        return self

    def newest(self) -> tuple[Alert, ...]:
        if not self._newest:
            raise AlertsUnavailable("Cloud Monitoring does not answer", next_step="Give the role.")
        return self._newest


def watched(alerts: str) -> Environment:
    return small(f'[secrets]\n[verify.limits]\nalerts = "{alerts}"\n')


def test_alerts_that_cannot_be_read_matter_as_in_verify(monkeypatch: pytest.MonkeyPatch):
    seen = (Alert("slow", "2026-11-23T08:00:00Z"), Alert("slow", "t", "t"))
    monkeypatch.setattr(looks, "load_gcp_project", lambda _: _Monitoring(*seen))
    assert looks.alerts(watched("warn")) == "Cloud Monitoring answers, 1 are open"

    monkeypatch.setattr(looks, "load_gcp_project", lambda _: _Monitoring())
    assert "verify only warns of that. Give the role." in looks.alerts(watched("warn"))
    assert refused(lambda: looks.alerts(watched("refuse")))[1] == "Give the role."


def test_only_what_an_environment_names_is_looked_at():
    nobody: Any = None

    def names(environment: Environment) -> list[str]:
        return [one.name for one in doctor._reached(environment, nobody)]

    assert names(small("[secrets]\n")) == [
        *("variables", "host", "lease", "releases", "registry", "builder", "secrets", "database")
    ]
    both = small('[secrets]\n[verify.limits]\nalerts = "warn"\n')
    blocks = both.blocks.model_copy(update={"scratch_database": "spare"})
    assert names(both.model_copy(update={"blocks": blocks}))[-2:] == ["scratch server", "alerts"]


def test_files_of_environments_are_read_as_every_run_reads_them():
    """That is where a file is refused that describes another environment."""
    told = next(one for one in doctor.examine("no name") if one.name == "environment")

    assert told.text == "environment: should be lower-case letters and digits, not 'no name'"
    with pytest.raises(ConfigInvalid, match="should be lower-case letters and digits"):
        asyncio.run(register("no name", None, replace=False))
