"""What a machine lacks before a release can be put on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.decide.bootstrap import NEEDED_FREE_BYTES, decide_bootstrap
from rollout.model.finding import Refuse
from rollout.model.host import MachineFacts
from rollout.model.plan import Plan
from tests.support.values import APPLICATION

BARE = MachineFacts(
    user="deploy",
    groups=("deploy",),
    sudo=True,
    engine="26.1.5+dfsg1",
    docker=True,
    compose="2.26.1-4",
    free_bytes=NEEDED_FREE_BYTES,
)
SETTINGS = (
    '{"live-restore": true, "log-driver": "json-file", '
    '"log-opts": {"max-file": "5", "max-size": "10m"}}'
)
READY = replace(
    BARE, groups=("deploy", "docker"), owner="deploy", mode="750", settings=SETTINGS, running=5
)
DIRECTORY = "make /opt/trovella belong to deploy"
GROUP = "let deploy use the engine"
WRITE = "write the engine's settings"
RESTART = "restart the engine"


def steps(facts: MachineFacts) -> list[str]:
    plan = decide_bootstrap(facts, APPLICATION, "deploy")
    assert isinstance(plan, Plan)
    return [step.name for step in plan.steps]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(BARE, [DIRECTORY, GROUP, WRITE, RESTART], id="a bare machine"),
        pytest.param(READY, [], id="a machine that is ready"),
        pytest.param(replace(READY, owner="root"), [DIRECTORY], id="somebody else's directory"),
        pytest.param(replace(READY, mode="755"), [DIRECTORY], id="a directory open to all"),
        pytest.param(replace(READY, groups=("deploy",)), [GROUP], id="not in the group"),
        pytest.param(replace(READY, settings=""), [WRITE], id="no restart while a container runs"),
        pytest.param(
            replace(READY, settings="", running=0), [WRITE, RESTART], id="a restart while none does"
        ),
        pytest.param(
            replace(READY, settings='{"live-restore": false, "log-driver": "gcplogs"}'),
            [],
            id="what somebody set already stays",
        ),
        pytest.param(replace(READY, settings="{"), [], id="settings that cannot be read stay"),
        pytest.param(replace(READY, settings="[]"), [], id="settings that are none stay"),
    ],
)
def test_only_what_is_missing_is_done(facts: MachineFacts, expected: list[str]):
    assert steps(facts) == expected


def test_settings_that_stand_there_are_kept():
    facts = replace(READY, settings='{"registry-mirrors": ["https://mirror"], "debug": true}')
    plan = decide_bootstrap(facts, APPLICATION, "deploy")
    assert isinstance(plan, Plan)

    assert plan.steps[0].command.stdin == (
        "{\n"
        '  "debug": true,\n'
        '  "live-restore": true,\n'
        '  "log-driver": "json-file",\n'
        '  "log-opts": {\n    "max-file": "5",\n    "max-size": "10m"\n  },\n'
        '  "registry-mirrors": [\n    "https://mirror"\n  ]\n'
        "}\n"
    )


def test_root_needs_no_group():
    facts = replace(READY, user="root", owner="root", groups=("root",))

    assert decide_bootstrap(facts, APPLICATION, "root") == Plan(
        before="The host runs what it ran before."
    )


@pytest.mark.parametrize(
    ("facts", "rule", "consequence"),
    [
        (
            replace(BARE, sudo=False, docker=False),
            "sudo-without-password",
            "deploy may not use sudo without a password",
        ),
        (replace(BARE, docker=False, engine=""), "engine-installed", "there is no docker program"),
        (replace(BARE, engine=""), "engine-running", "the Docker engine does not answer"),
        (replace(BARE, compose=""), "compose-version", "there is no compose plugin"),
        (
            replace(BARE, compose="1.29.2"),
            "compose-version",
            "the compose plugin is 1.29.2; 2.24 or later is needed",
        ),
        (
            replace(BARE, engine="24.0.7"),
            "engine-version",
            "the Docker engine is 24.0.7; 25.0 or later is needed",
        ),
        (
            replace(BARE, engine="development"),
            "engine-version",
            "the Docker engine is development; 25.0 or later is needed",
        ),
        (
            replace(BARE, free_bytes=512 * 1024**2),
            "free-disk",
            "512 MiB are free on the host; 2048 MiB are needed",
        ),
    ],
)
def test_what_people_must_see_to_is_one_finding(facts: MachineFacts, rule: str, consequence: str):
    verdict = decide_bootstrap(facts, APPLICATION, "deploy")

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.consequence) for one in verdict.findings] == [(rule, consequence)]


def test_two_things_that_do_not_hide_each_other_are_two_findings():
    verdict = decide_bootstrap(
        replace(BARE, engine="24.0.7", compose="2.20.0", free_bytes=0), APPLICATION, "deploy"
    )

    assert isinstance(verdict, Refuse)
    assert [one.rule for one in verdict.findings] == [
        "engine-version",
        "compose-version",
        "free-disk",
    ]
