"""Which way into the rehearsal is taken: programs of our own stand in for the machine's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ENTRANCE = Path(__file__).parents[3] / "infra/rehearsal/entrance.sh"
LACKS = "exit 1"


@pytest.fixture
def machine(tmp_path: Path):
    """Return a function that makes a machine with a checkout: what its programs do, by name."""
    (tmp_path / "infra/rehearsal").mkdir(parents=True)
    shutil.copy(ENTRANCE, tmp_path / "infra/rehearsal")
    shutil.copy(ENTRANCE.parents[1] / "python.sh", tmp_path / "infra")

    def make(**programs: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name in ("cksum", "cut", "dirname", "mkdir", "rmdir"):
            (folder / name).symlink_to(shutil.which(name) or "")
        for name, does in {"uname": "echo Linux", **programs}.items():
            file = folder / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{does}\n")
            file.chmod(0o755)
        return folder

    return make


def ask(folder: Path, words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Source the entrance on such a machine and say words of the shell."""
    return subprocess.run(
        ["/bin/bash", "-euc", f". infra/rehearsal/entrance.sh; {words}"],
        env={"PATH": str(folder), **more},
        cwd=folder.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("programs", "way"),
    [
        ({"id": "echo 0", "apt_get": "", "unshare": "", "docker": ""}, "here"),
        ({"id": "echo 0", "apt_get": "", "unshare": LACKS, "docker": ""}, "container"),
        ({"id": "echo 0", "unshare": "", "docker": ""}, "container"),
        ({"id": "echo 1000", "apt_get": "", "sudo": "", "docker": ""}, "sudo"),
        ({"id": "echo 1000", "apt_get": "", "sudo": LACKS, "docker": ""}, "container"),
        ({"id": "echo 1000", "sudo": "", "docker": ""}, "container"),
        ({"uname": "echo Darwin", "id": "echo 501", "sudo": "", "docker": ""}, "container"),
        ({"id": "echo 1000", "apt_get": "", "docker": LACKS}, "nowhere"),
        ({"id": "echo 1000", "apt_get": "", "sudo": LACKS}, "nowhere"),
    ],
    ids=[
        "root on Debian stays",
        "root that may make no namespaces takes the container",
        "root elsewhere takes the container",
        "a user with sudo on Debian becomes root",
        "a user whose sudo asks for a password takes the container",
        "a user with sudo elsewhere takes the container",
        "a user on macOS takes the container",
        "a user whom the engine refuses has no way",
        "a user with neither has no way",
    ],
)
def test_the_way_in(machine, programs: dict[str, str], way: str):
    assert ask(machine(**programs), "way").stdout == f"{way}\n"


@pytest.mark.parametrize("command", ["bin/rehearse", "bin/test", "infra/rehearsal/enter"])
def test_without_a_way_in_one_sentence_says_so(machine, command: str):
    folder = machine(id="echo 1000")

    refused = ask(folder, f"entrance {command} real; echo entered")

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == (
        f"{Path(command).name}: neither root (or sudo without a password) on Debian or Ubuntu nor"
        " Docker is at hand; nothing was changed; run it where one of them is\n"
    )


def test_sudo_is_given_the_command_its_arguments_and_a_path_that_finds_the_programs_of_root(
    machine,
):
    folder = machine(id="echo 1000", apt_get="", sudo='printf "%s\\n" "$@"')

    told = ask(folder, "entrance bin/rehearse --down --name 'a b'").stdout.splitlines()

    assert told[0] == "--non-interactive"
    assert told[1].startswith("--preserve-env=PYTHON,REHEARSAL_UI,SSL_CERT_FILE,")
    assert told[2:] == [
        "env",
        f"PATH={folder}:/usr/local/sbin:/usr/sbin:/sbin",
        str(folder.parent / "bin/rehearse"),
        "--down",
        "--name",
        "a b",
    ]


ENGINE = """
case "$1 $2" in
'container inspect') [ "$STANDS" = yes ] ;;
'start '*) [ "$STANDS" = yes ] ;;
'exec '*) case "$*" in *'ls -A .rehearsal') echo "$LEFT" ;; *) echo "$@" >> "$LOG" ;; esac ;;
*) echo "$@" >> "$LOG" ;;
esac
"""
"""Stands in for Docker's client: whether the container STANDS, what is LEFT in it."""


@pytest.mark.parametrize(
    ("stands", "left", "options", "removed"),
    [
        ("yes", "", "", ["rm", "volume"]),
        ("yes", "cache", "--keep-cache", ["rm"]),
        ("yes", "cache\nother", "", []),
        ("no", "", "", ["volume"]),
        ("no", "", "--keep-cache", []),
    ],
    ids=[
        "the last world takes container and volumes with it",
        "a cache that is kept keeps the volumes",
        "another world keeps the container",
        "without a container the volumes go",
        "without a container a cache that is kept stays",
    ],
)
def test_taking_down_removes_what_nobody_needs(
    machine, tmp_path: Path, stands: str, left: str, options: str, removed: list[str]
):
    log = tmp_path / "engine.log"
    log.touch()
    folder = machine(id="echo 1000", docker=ENGINE)

    done = ask(
        folder, f"entrance bin/rehearse --down {options}", STANDS=stands, LEFT=left, LOG=str(log)
    )

    said = [line.split()[0] for line in log.read_text().splitlines()]
    assert done.returncode == 0, done.stderr
    assert said == ["info", *(["exec"] if stands == "yes" else []), *removed]


def test_a_container_that_does_not_start_leaves_nothing_and_says_what_to_do(
    machine, tmp_path: Path
):
    log = tmp_path / "engine.log"
    folder = machine(
        id="echo 1000",
        docker=f'echo "$1" >> {log}; case $1 in start | run) exit 1 ;; esac',
    )

    done = ask(folder, "entrance bin/rehearse --up", REHEARSAL_UI_PORT="4281")

    assert done.returncode == 1
    assert log.read_text().split()[-2:] == ["run", "rm"]
    assert "if port 4281 is taken, name a free one in REHEARSAL_UI_PORT" in done.stderr


ANSWERS = """case "$2" in
*sysconfig*) exit {optimised} ;;
*version_info*) exit {new} ;;
*ensurepip*) exit {environments} ;;
esac"""
"""Stands in for a Python: 0 where it is what it was asked for."""


def a_python(*, optimised: bool = True, new: bool = True, environments: bool = True) -> str:
    """Return what such a Python does."""
    yes = {"optimised": optimised, "new": new, "environments": environments}
    return ANSWERS.format(**{name: int(not so) for name, so in yes.items()})


@pytest.mark.parametrize(
    ("programs", "named", "chosen"),
    [
        ({"python3": a_python(), "own": a_python()}, "", "python3"),
        ({"python3": a_python(optimised=False), "own": a_python()}, "", "own"),
        ({"python3": a_python(optimised=False), "own": a_python()}, "mine", "mine"),
        ({"python3": a_python(optimised=False), "own": a_python(new=False)}, "", "python3"),
        ({"python3": a_python(optimised=False)}, "", "python3"),
        ({"own": a_python()}, "", "own"),
        (
            {"python3": a_python(optimised=False), "own": a_python(environments=False)},
            "",
            "python3",
        ),
        (
            {
                "id": "echo 0",
                "python3": a_python(optimised=False),
                "own": a_python(environments=False),
            },
            "",
            "own",
        ),
    ],
    ids=[
        "the path's, as a rule",
        "the distribution's, where the path's is the slower",
        "the one that is named, in any case",
        "the path's, where the distribution's is too old",
        "the path's, where the distribution has none",
        "the distribution's, where the path has none",
        "the path's, where the distribution's makes no environments",
        "the distribution's, where root can install what it lacks",
    ],
)
def test_which_python_begins(machine, programs: dict[str, str], named: str, chosen: str):
    folder = machine(**{"id": "echo 1000", **programs})

    asked = ask(folder, "distributions=own; chosen_python", **({"PYTHON": named} if named else {}))

    assert asked.stdout == f"{chosen}\n", asked.stderr


def test_the_one_that_the_environment_was_made_with_begins_again(machine):
    folder = machine(id="echo 1000", python3=a_python())
    made = folder.parent / ".venv/bin/python3"
    made.parent.mkdir(parents=True)
    made.write_text("#!/bin/sh\necho /usr/local/bin/python3.12\n")
    made.chmod(0o755)

    assert ask(folder, "chosen_python").stdout == "/usr/local/bin/python3.12\n"
    assert ask(folder, "chosen_python", PYTHON="mine").stdout == "mine\n"
