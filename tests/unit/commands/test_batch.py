"""A plan as one program: run here, because it needs nothing of a host but bash and coreutils."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rollout.commands.batch import Begun, Ended, batch_command, parse_said
from rollout.model.command import Command, Secret, script
from rollout.model.plan import Step

SAID = "schön 'ge' $HOME \\\n\ttab"


def step(*words: str, stdin: Secret | str | None = None, limit_s: float = 10) -> Step:
    return Step(" ".join(words), Command(words, stdin=stdin, timeout_s=limit_s))


def run(steps: tuple[Step, ...], lease: str = "") -> tuple[list[Begun | Ended], int]:
    """Return what the program said, and its exit status."""
    command = batch_command(steps, lease, 97)
    assert isinstance(command.stdin, Secret)
    done = subprocess.run(
        command.argv, input=command.stdin.reveal(), capture_output=True, text=True, check=False
    )
    return [parse_said(line, steps) for line in done.stdout.splitlines()], done.returncode


def results(said: list[Begun | Ended]) -> list[tuple[int, int, str, str]]:
    return [
        (one.number, one.result.exit_code, one.result.stdout, one.result.stderr)
        for one in said
        if isinstance(one, Ended)
    ]


def test_words_input_and_both_streams_pass_as_they_are():
    steps = (step("printf", "%s", SAID), step(*script("cat >&2"), stdin=Secret(SAID)))

    said, status = run(steps)

    assert results(said) == [(0, 0, SAID, ""), (1, 0, "", SAID)]
    assert [one for one in said if isinstance(one, Begun)] == [Begun(0), Begun(1)]
    assert status == 0


def test_it_ends_at_the_first_failure_that_matters():
    steps = (
        Step("try", Command(("false",)), best_effort=True),
        step(*script("exit 80")),
        step("true"),
    )

    said, _ = run(steps)

    assert [one[:2] for one in results(said)] == [(0, 1), (1, 80)]
    assert said[-1].number == 1


def test_a_command_that_takes_too_long_is_stopped():
    said, _ = run((step("sleep", "60", limit_s=0.2), step("true")))

    assert [one[:2] for one in results(said)] == [(0, 124)]


def test_it_stops_when_nobody_holds_the_lease(tmp_path: Path):
    (tmp_path / "lock").touch()
    steps = (step("true"), step("true"))

    with subprocess.Popen(
        ("flock", str(tmp_path / "lock"), "sh", "-c", "echo; read -r _"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        held, status_held = run(steps, str(tmp_path))
        holder.communicate(b"\n")
    free, status_free = run(steps, str(tmp_path))

    assert ([one[:2] for one in results(held)], status_held) == ([(0, 0), (1, 0)], 0)
    assert (free, status_free) == ([], 97)


def test_nothing_secret_stands_in_its_words():
    command = batch_command((step("cat", stdin=Secret("hunter2")),))

    assert "hunter2" not in command.shell()
    assert "hunter2" not in repr(command)


def test_nothing_is_left_of_it_however_it_ends():
    command = batch_command((step("sleep", "60"),))
    assert isinstance(command.stdin, Secret)

    with subprocess.Popen(command.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(command.stdin.reveal().encode())
        program.stdin.flush()
        program.stdout.readline()
        seen = [str(Path(f"/proc/{program.pid}/fd/{number}").readlink()) for number in (3, 4)]
        program.kill()

    assert [name.endswith("(deleted)") for name in seen] == [True, True]
