"""The machine behind a simulated host: it is what its commands made of it, and nothing else."""

from __future__ import annotations

import pytest

from infra.bench.machine import NOT_FOUND, Machine
from infra.bench.roll import NEW, OLD, environment_text, machines, release
from infra.bench.simulated import kind_of
from rollout.commands.compose import stop_command, up_command
from rollout.commands.host import append_ledger_command, parse_host, read_host_command
from rollout.commands.host import switch_command as switch
from rollout.commands.machine import parse_machine, read_machine_command
from rollout.config import parse_environment
from rollout.decide.activate import decide_activation
from rollout.decide.bootstrap import decide_bootstrap
from rollout.decide.hosts import batches_of
from rollout.model.command import Command
from rollout.model.layout import Layout
from rollout.model.plan import Plan

SETTINGS = parse_environment("simulated.toml", environment_text(3, "50%", 8080))
APPLICATION = SETTINGS.application
LAYOUT = Layout(APPLICATION.directory)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (append_ledger_command(LAYOUT, "{}"), "append to the ledger"),
        (up_command(LAYOUT, "app", NEW, "web-r2"), "docker compose up"),
        (stop_command("web-r1-1"), "docker stop"),
        (switch(LAYOUT, "web-r2"), "send requests to another release"),
        (Command(("true",)), "true"),
    ],
)
def test_a_command_is_known_by_its_first_line_or_its_program(command: Command, kind: str):
    assert kind_of(command.argv) == kind


def test_the_environment_has_a_canary_and_hosts_beside_it():
    assert SETTINGS.blocks.target_host == "simulated-0"
    assert batches_of(SETTINGS.hosts) == (("simulated-1", "simulated-2"), ("simulated-3",))


def test_the_canary_serves_the_new_release_the_others_the_old_one_and_both_wholly():
    canary, further, *_ = machines(1, SETTINGS).values()
    read = read_host_command(APPLICATION.directory, APPLICATION.project)

    plans = [
        decide_activation(
            parse_host(_answer(machine, read)), release(number), (), APPLICATION, None, None
        )
        for machine, number in ((canary, NEW), (further, OLD))
    ]

    assert [plan.steps for plan in plans] == [(), ()]
    assert (canary.version[0], further.version[0]) == ("2", "1")


def test_a_machine_is_prepared_already():
    machine = next(iter(machines(0, SETTINGS).values()))
    read = read_machine_command(APPLICATION.directory, APPLICATION.project, APPLICATION.service)
    said = _answer(machine, read)

    decided = decide_bootstrap(parse_machine(said), APPLICATION, machine.user)

    assert isinstance(decided, Plan)
    assert decided.is_empty


def test_a_command_that_the_machine_does_not_know_fails():
    machine = next(iter(machines(0, SETTINGS).values()))

    assert machine.answer("docker compose down", (), "")[0] == NOT_FOUND


def _answer(machine: Machine, command: Command) -> str:
    status, said = machine.answer(kind_of(command.argv), command.argv, "")
    assert status == 0
    return said.replace("{clock}", "0")
