"""How a plan is carried out, and what is left when a step of it fails."""

from __future__ import annotations

import pytest

from rollout.commands.compose import container_evidence_command
from rollout.commands.evidence import parse_container
from rollout.errors import CommandFailed, CommandTimedOut, HostUnreachable, OutcomeUnknown
from rollout.executors.carry_out import carry_out
from rollout.executors.printing import PrintingHost
from rollout.model.command import Command, Result
from rollout.model.plan import Plan, Step


def step(name: str, **more: object) -> Step:
    """Return a step that says its name, and is taken back by saying so."""
    said = {"undo": Command(("undo", name)), **more}
    return Step(name, Command(("do", name), meanings={80: "it is busy"}), **said)  # pyright: ignore[reportArgumentType]


PLAN = Plan(
    (
        step("upload", undo=None),
        step("start", evidence=(Command(("look", "inside")),), next_step="Repair it."),
        step("switch", point_of_no_return=True, undo=None),
        step("publish"),
        step("tidy", best_effort=True),
    ),
    before="Release 1 is still serving.",
    after="Release 2 serves.",
)


class Host(PrintingHost):
    """A host that fails at what it is told to, and remembers what it was asked."""

    def __init__(self, **failing: int | Exception) -> None:
        self.said: list[str] = []
        super().__init__(self.said.append, lambda command: self._answer(command, failing))

    @property
    def lines(self) -> list[str]:
        return [" ".join(command.argv) for command in self.commands]

    @staticmethod
    def _answer(command: Command, failing: dict[str, int | Exception]) -> Result | None:
        answer = failing.get("_".join(command.argv), 0)
        if isinstance(answer, Exception):
            raise answer
        if command.argv[0] == "look":
            return Result(command, 0, "it burns\n", "", 0.0)
        return Result(command, answer, "", "no\n" if answer else "", 0.0)


def failed(host: Host) -> CommandFailed:
    with pytest.raises(CommandFailed) as caught:
        carry_out(PLAN, host)
    return caught.value


def test_the_steps_are_done_in_order():
    host = Host()

    results = carry_out(PLAN, host)

    assert host.lines == ["do upload", "do start", "do switch", "do publish", "do tidy"]
    assert [result.ok for result in results] == [True] * 5


def test_an_empty_plan_does_nothing():
    host = Host()

    assert carry_out(Plan(), host) == ()
    assert host.lines == []


def test_evidence_is_read_before_anything_is_taken_back_last_step_first():
    host = Host(do_start=80)

    error = failed(host)

    assert host.lines == ["do upload", "do start", "look inside", "undo start"]
    assert str(error) == (
        "start: it is busy: `do start` ended with exit status 80\n"
        "  stdout: nothing written\n"
        "  stderr: no\n"
        "`look inside`\n"
        "it burns\n"
        "left: Release 1 is still serving.\n"
        "next: Repair it."
    )


LOOK = container_evidence_command("trovella", "web-r2")
STATE = (
    '{"Status": "exited", "ExitCode": 1, "Health": {"Status": "unhealthy", '
    '"Log": [{"Output": "hunter2"}]}}\n{"died": "1"}\n'
)


class Leaky(Host):
    """A host whose every program prints a secret."""

    def run(self, command: Command) -> Result:
        result = super().run(command)
        if command == LOOK:
            return Result(command, 0, f"{STATE}input: 'hunter2'\n", "", 0.0)
        return Result(command, result.exit_code, "out hunter2", "err hunter2", 0.0)


LEAKY = Plan((step("start", evidence=(LOOK,)), step("tidy", best_effort=True)))


def hide(text: str) -> str:
    return text.replace("hunter2", "********")


def test_what_programs_wrote_is_shown_with_its_secrets_hidden():
    host = Leaky(do_start=1, undo_start=1)

    with pytest.raises(CommandFailed) as caught:
        carry_out(LEAKY, host, lambda: hide)

    error = caught.value
    assert "input: '********'" in "\n".join(host.said)
    assert "  stdout: out ********\n  stderr: err ********\n" in str(error)
    assert "hunter2" not in "\n".join((*host.said, str(error), repr(error.__dict__)))
    seen = parse_container(error.looked[0], "web-r2")
    assert seen is not None
    assert (seen.status, seen.lines) == ("exited", ("input: '********'",))


def test_where_nothing_can_hide_them_only_the_engines_own_words_are_shown():
    host = Leaky(do_start=1, undo_start=1)

    with pytest.raises(CommandFailed) as caught:
        carry_out(LEAKY, host, lambda: None)

    error = caught.value
    left_out = "not shown: the secrets to hide in it could not be read"
    assert f"  stdout: {left_out}\n  stderr: {left_out}\n" in str(error)
    assert "hunter2" not in "\n".join((*host.said, str(error), repr(error.__dict__)))
    seen = parse_container(error.looked[0], "web-r2")
    assert seen is not None
    assert (seen.status, seen.health, seen.exit_code) == ("exited", "unhealthy", 1)
    assert (seen.health_output, seen.lines) == ("", (left_out,))


@pytest.mark.parametrize("mask", [hide, None])
def test_what_took_too_long_while_looking_or_taking_back_is_hidden_too(mask: object):
    wrote = Result(Command(("look", "inside")), 124, "hunter2", "", 9.0)
    late = CommandTimedOut("`look` did not end", wrote, next_step="Look.")
    host = Host(do_start=1, look_inside=late, undo_start=late)

    with pytest.raises(CommandFailed) as caught:
        carry_out(PLAN, host, lambda: mask)  # pyright: ignore[reportArgumentType]

    told = "\n".join((*host.said, str(caught.value)))
    assert "could not take back: `look` did not end" in told
    assert "hunter2" not in told


def test_a_warning_hides_secrets_and_what_goes_well_asks_for_none():
    made: list[str] = []

    def hiding():
        made.append("once")
        return hide

    host = Leaky(do_tidy=1)
    carry_out(LEAKY, host, hiding)
    carry_out(LEAKY, Leaky(), hiding)

    assert host.said[-1].endswith("  stderr: err ********")
    assert made == ["once"]


def test_a_state_that_a_mask_has_made_unreadable_is_no_container():
    broken = Result(LOOK, 0, STATE.replace("1,", "********,"), "", 0.0)

    assert parse_container(broken) is None


def test_a_switch_that_fails_is_before_the_point_of_no_return():
    host = Host(do_switch=1)

    error = failed(host)

    assert host.lines[3:] == ["undo start"]
    assert error.left == "Release 1 is still serving."
    assert error.next_step == "Read the output above and see to its cause."


def test_nothing_is_taken_back_after_the_point_of_no_return():
    host = Host(do_publish=1)

    error = failed(host)

    assert host.lines[4:] == []
    assert error.left == "Release 2 serves."


def test_a_failed_tidying_is_a_warning():
    host = Host(do_tidy=80)

    assert len(carry_out(PLAN, host)) == 5
    assert host.said[-1] == "warning: tidy: it is busy"


@pytest.mark.parametrize(
    "problem", [1, OutcomeUnknown("the connection was cut", next_step="Look.")]
)
def test_the_first_error_wins_and_names_the_command_for_what_was_not_taken_back(
    problem: int | Exception,
):
    host = Host(do_start=80, undo_start=problem, look_inside=problem)

    error = failed(host)

    assert error.true.startswith("start: it is busy: ")
    assert error.left == (
        "Release 1 is still serving. Could not take back `start`; run on the host: undo start"
    )


def test_a_step_that_was_stopped_in_time_is_a_failed_one():
    command = Command(("do", "start"))
    late = CommandTimedOut("too late", Result(command, 124, "", "", 9.0), next_step="Look.")
    host = Host(do_start=late)

    assert failed(host).left == "Release 1 is still serving."
    assert host.lines[-1] == "undo start"


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        (
            "do_start",
            "What the command did is unknown. "
            "Release 1 is still serving, or it was switched since.",
        ),
        (
            "do_switch",
            "What the command did is unknown. "
            "Release 1 is still serving, or it was switched since.",
        ),
        ("do_publish", "What the command did is unknown. Release 2 serves."),
    ],
)
def test_nothing_is_taken_back_on_a_host_that_was_lost(cut: str, left: str):
    host = Host(**{cut: OutcomeUnknown("the connection was cut", next_step="Look.")})

    with pytest.raises(OutcomeUnknown) as caught:
        carry_out(PLAN, host)

    assert host.lines[-1] == cut.replace("_", " ")
    assert caught.value.left == left


def test_a_host_that_opens_no_session_has_run_nothing():
    host = Host(do_start=HostUnreachable("no session came about", next_step="Look."))

    with pytest.raises(HostUnreachable) as caught:
        carry_out(PLAN, host)

    assert caught.value.left == "The rest of the plan was not run. Release 1 is still serving."


def test_a_printing_host_tells_what_it_would_run():
    told: list[str] = []

    result = PrintingHost(told.append).run(Command(("rm", "-rf", "a b")))

    assert told == ["would run: rm -rf 'a b'"]
    assert result.ok
