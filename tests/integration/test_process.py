"""Programs that really run on the worker: their output, their limits, what they may see."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollout.config import Check
from rollout.errors import CommandTimedOut
from rollout.executors import process
from rollout.executors.checks import run_check
from rollout.executors.process import run_local
from rollout.model.command import Command, Secret

if TYPE_CHECKING:
    from rollout.decide.quality import CheckResult

URL = "postgresql://app:hunter%2622@db/trovella"
KEY = "-----BEGIN KEY-----\nfirst line of it\nsecond line of it\n-----END KEY-----\n"


def run(*argv: str, env=None, log=lambda _: None, **facts):
    return run_local(Command(argv, **facts), cwd=Path("/"), env=env or {}, log=log)


def shell(script: str, **facts):
    return run("sh", "-c", script, **facts)


def processes(word: str) -> list[str]:
    """Return the processes whose command line names a word."""
    answer = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True)
    return [line for line in answer.stdout.splitlines() if word in line and "ps -eo" not in line]


def test_both_streams_and_the_status_are_kept_apart():
    result = shell("echo out; echo err >&2; exit 3")

    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert not result.ok


def test_lines_are_logged_while_the_program_runs(tmp_path: Path):
    gate = tmp_path / "gate"

    def log(line: str) -> None:
        if line == "ready":
            gate.touch()

    result = shell(
        'echo ready; while [ ! -e "$0" ]; do sleep 0.01; done; echo seen'.replace("$0", str(gate)),
        log=log,
        timeout_s=10,
    )

    assert result.stdout == "ready\nseen\n"


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        (r"one\ntwo", ["one", "two"]),
        (r"10%%\r20%%\r\n30%%\n", ["10%", "20%", "30%"]),
        (r"\303\251\n", ["é"]),
        (r"\377\n", ["�"]),
        (r"one\n\n  \ntwo\n", ["one", "two"]),
        (r"", []),
    ],
)
def test_lines(printed: str, lines: list[str]):
    logged: list[str] = []

    run("printf", printed, log=logged.append)

    assert logged == lines


def test_much_output_on_both_streams_does_not_block():
    result = shell("seq 100000 >&2 & seq 100000; wait", timeout_s=30)

    assert len(result.stdout.splitlines()) == len(result.stderr.splitlines()) == 100000


def test_only_the_end_of_endless_output_is_kept(monkeypatch):
    monkeypatch.setattr(process, "KEPT_CHARACTERS", 1000)

    result = shell("seq 100000")

    assert len(result.stdout) <= 1000
    assert result.stdout.endswith("99999\n100000\n")


def test_standard_input_is_given_whole_to_a_program_that_writes_first():
    text = "".join(f"{n}\n" for n in range(50000))

    result = shell("seq 50000 >&2; cat", stdin=text, timeout_s=30)

    assert result.stdout == text


def test_a_program_that_does_not_read_its_input_is_no_error():
    assert run("true", stdin="x" * 1_000_000).ok


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program"])
def test_a_missing_program_answers_as_in_a_shell(program: str):
    result = run(program)

    assert (result.exit_code, result.stderr) == (127, f"{program}: No such file or directory\n")


def test_what_is_no_program_answers_as_in_a_shell():
    assert run("/etc/passwd").exit_code == 126


def test_no_shell_reads_the_words():
    assert run("echo", "$(id)", "a;b", "*").stdout == "$(id) a;b *\n"


def test_the_workers_own_variables_stay_with_the_worker(monkeypatch):
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_worker")

    seen = run("env", env={"CI": "1", "DATABASE_URL": Secret(URL)}).stdout

    assert "PREFECT" not in seen
    assert "CI=1\n" in seen
    assert {line.split("=")[0] for line in seen.splitlines()} <= {
        *process.INHERITED,
        "CI",
        "DATABASE_URL",
    }


def test_the_program_gets_the_secret_that_nobody_else_sees():
    logged: list[str] = []

    result = shell(
        'test "$DATABASE_URL" = "$1" && echo "url: $DATABASE_URL" && echo "part: hunter&22" >&2; '
        "echo hunter%2622".replace("$1", URL),
        env={"DATABASE_URL": Secret(URL)},
        log=logged.append,
    )

    assert result.stdout == "url: ********\n********\n"
    assert result.stderr == "part: ********\n"
    assert sorted(logged) == ["********", "part: ********", "url: ********"]


def test_each_line_of_a_key_is_masked():
    result = run("cat", stdin=Secret(KEY))

    assert result.stdout == "********\n" * 4


def test_a_secret_of_a_few_characters_does_not_blacken_the_log():
    assert run("echo", "1 and 11", env={"RETRIES": Secret("1")}).stdout == "1 and 11\n"


def test_what_takes_too_long_is_stopped_with_all_that_it_started():
    started = time.monotonic()

    with pytest.raises(CommandTimedOut) as stopped:
        shell("sleep 4711 & echo waiting; trap 'echo last words; exit 9' TERM; wait", timeout_s=0.3)

    assert time.monotonic() - started < 3
    assert stopped.value.result.stdout == "waiting\nlast words\n"
    assert stopped.value.true.startswith("`sh` did not end within 0.3 s and was stopped")
    assert processes("sleep 4711") == []


def test_what_does_not_listen_to_reason_is_killed(monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 0.2)

    with pytest.raises(CommandTimedOut) as stopped:
        shell("trap '' TERM; while true; do sleep 0.05; done", timeout_s=0.2)

    assert stopped.value.result.exit_code == -9


def test_nothing_that_a_program_started_outlives_it():
    started = time.monotonic()

    result = shell("sleep 4712 & echo done")

    assert result.stdout == "done\n"
    assert time.monotonic() - started < 2
    assert processes("sleep 4712") == []


def test_a_program_that_left_the_group_cannot_hold_us_by_its_streams():
    started = time.monotonic()

    result = shell("setsid sleep 8 & echo done")

    assert result.ok
    assert time.monotonic() - started < 6


def test_a_program_that_closes_its_streams_is_waited_for():
    result = shell("exec >&- 2>&-; sleep 0.3; exit 5")

    assert result.exit_code == 5
    assert result.duration_s > 0.25


def test_a_program_that_is_given_up_is_killed():
    def give_up(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shell("echo now; sleep 4713", log=give_up)

    assert processes("sleep 4713") == []


def test_an_open_file_may_be_left_to_the_program(tmp_path: Path):
    with (tmp_path / "lock").open("w") as lock:
        inherited = run_local(
            Command(("sh", "-c", f"echo held >/proc/self/fd/{lock.fileno()}")),
            cwd=tmp_path,
            env={},
            log=print,
            keep_open=(lock.fileno(),),
        )

    assert inherited.ok
    assert (tmp_path / "lock").read_text() == "held\n"


def test_many_at_once_keep_their_output_apart():
    results: dict[int, str] = {}

    def one(number: int) -> None:
        results[number] = shell(f"seq {number} {number + 2}").stdout

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == {n: f"{n}\n{n + 1}\n{n + 2}\n" for n in range(16)}
    assert len(list(Path("/proc/self/fd").iterdir())) < 64


class TestChecks:
    """The application's own commands."""

    def check(self, script: str, **facts: object) -> CheckResult:
        check = Check.model_validate({"name": "unit", "run": ("sh", "-c", script), **facts})
        self.logged: list[str] = []
        return run_check(check, cwd=Path("/"), env={}, log=self.logged.append)

    def test_a_check_that_passes(self):
        result = self.check("echo fine")

        assert (result.name, result.state, result.tail) == ("unit", "passed", "fine")
        assert self.logged == ["unit | fine"]

    def test_a_check_that_fails_ends_with_its_status(self):
        result = self.check("echo bad >&2; exit 2")

        assert (result.state, result.tail) == ("failed", "bad\nended with exit status 2")

    def test_a_check_that_hangs_is_stopped(self):
        result = self.check("echo waiting; sleep 60", timeout_s=0.3)

        assert result.state == "timed out"
        assert result.tail == "waiting\ndid not end within 0.3 s and was stopped"
