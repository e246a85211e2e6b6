"""Values: what they take, and what they show."""

from __future__ import annotations

import pickle

import pytest
from pydantic_core import PydanticSerializationError, to_json

from rollout.errors import CommandFailed, ConfigInvalid, Refused, RolloutError
from rollout.model.command import Command, Result, Secret, script
from rollout.model.finding import Finding
from rollout.model.plan import Plan, Step
from rollout.model.release import Image, Version

SHA = "0123456789abcdef0123456789abcdef01234567"


def test_a_version_is_a_whole_commit():
    assert Version(SHA).short == "0123456789ab"
    assert str(Version(SHA)) == SHA


@pytest.mark.parametrize("text", ["", "main", SHA[:39], SHA.upper(), SHA + "\n", f" {SHA}"])
def test_anything_else_is_no_version(text: str):
    with pytest.raises(ConfigInvalid, match="should be a 40-hex git commit"):
        Version(text)


def test_an_image_is_pulled_by_digest():
    image = Image("registry.example/app/web", f"sha256:{'a' * 64}")

    assert image.reference == f"registry.example/app/web@sha256:{'a' * 64}"


@pytest.mark.parametrize("digest", ["latest", "sha256:", f"sha256:{'g' * 64}", "a" * 64])
def test_a_tag_is_no_digest(digest: str):
    with pytest.raises(ConfigInvalid, match="should be sha256:<64 hex>"):
        Image("web", digest)


def test_a_secret_shows_itself_nowhere():
    secret = Secret("hunter2")
    command = Command(("docker", "login"), stdin=secret)

    shown = f"{secret} {secret!r} {[secret]} {command} {command.display()} {command.shell()}"

    assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"


def test_a_secret_stays_behind_when_something_stores_it():
    command = Command(("docker", "login"), stdin=Secret("hunter2"))

    assert b"hunter2" not in pickle.dumps(CommandFailed("x", _failed(command), next_step="y"))
    with pytest.raises(PydanticSerializationError):
        to_json(command)


def _failed(command: Command) -> Result:
    return Result(command, 1, "", "", 0.1)


def test_a_command_is_quoted_for_the_shell_and_its_scripts_are_cut_for_people():
    command = Command(script('set -u\nls "$1"', "it's here"))

    assert command.shell() == ("sh -euc 'set -u\nls \"$1\"' sh 'it'\"'\"'s here'")
    assert command.display() == "sh -euc 'set -u ...' sh 'it'\"'\"'s here'"


def test_a_result_knows_what_its_status_means():
    command = Command(("wait-healthy",), meanings={70: "the container exited"})

    assert Result(command, 70, "", "", 0.1).meaning == "the container exited"
    assert Result(command, 1, "", "", 0.1).meaning == ""


def test_an_error_has_three_parts():
    error = RolloutError("the disk is full", left="Release 7 serves.", next_step="Prune images.")

    assert str(error) == "the disk is full\nleft: Release 7 serves.\nnext: Prune images."


def test_an_error_can_be_told_with_what_was_left_since():
    first = RolloutError("verify failed", left="Release 8 serves.", next_step="Look at it.")

    told = first.leaving("Release 7 serves again.")

    assert type(told) is RolloutError
    assert told.left == "Release 7 serves again."
    assert str(told) == "verify failed\nleft: Release 7 serves again.\nnext: Look at it."
    assert first.left == "Release 8 serves."


def test_a_failed_command_leaves_evidence():
    result = Result(Command(("make", "it")), 2, "one\ntwo\n", "", 0.1)

    error = CommandFailed("the build broke", result, next_step="Mend it.")

    assert str(error) == (
        "the build broke: `make it` ended with exit status 2\n"
        "  stdout: one\n"
        "          two\n"
        "  stderr: nothing written\n"
        "left: Nothing was changed.\n"
        "next: Mend it."
    )


def test_a_refusal_names_every_finding_and_every_help():
    findings = (
        Finding("disk-full", "the image would not fit", "/var/lib/docker", "Free 2 GB."),
        Finding("no-engine", "nothing can run", "docker", "Start it."),
    )

    assert str(Refused("deploy-prod", findings)) == (
        "deploy-prod refused: the image would not fit (/var/lib/docker); nothing can run (docker)\n"
        "left: Nothing was changed.\n"
        "next: Free 2 GB. Start it."
    )


@pytest.mark.parametrize(
    "error",
    [
        ConfigInvalid("production.toml", "name is missing"),
        RolloutError("a", left="b", next_step="c"),
        CommandFailed("x", Result(Command(("true",)), 1, "", "", 0.0), next_step="y"),
        Refused("x", (Finding("a", "b", "c", "d"),)),
    ],
)
def test_errors_survive_storage(error: RolloutError):
    """Prefect keeps a task's exception by pickling it; one that does not come back hides why."""
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert str(again) == str(error)


def test_an_empty_plan_says_so():
    assert Plan().is_empty
    assert Plan().describe() == "nothing to do"
    assert Plan((Step("stop", Command(("docker", "stop", "web"))),)).describe() == (
        "1. stop: docker stop web"
    )
