"""What a host says of its lease, as values."""

from __future__ import annotations

import pytest

from rollout.commands.lease import (
    NO_ROOM,
    fenced,
    hold_command,
    hold_within_command,
    parse_lease,
    parse_said,
    take_command,
)
from rollout.model.command import Command
from rollout.model.layout import Layout
from rollout.model.lease import Claim, Holder, LeaseFacts

LAYOUT = Layout("/opt/trovella")
CLAIM = Claim("t0ken", "deploy c0ffee", "a merge", "http://ui/1", "2026-11-23T08:00:00Z")
ADA = '{"owner": "ada", "reason": "a fix", "since": "2026-11-23T08:00:00Z", "more": 1}'


@pytest.mark.parametrize(
    ("line", "word", "who"),
    [
        ("held\n", "held", None),
        (f"busy {ADA}", "busy", Holder("ada", "a fix", since="2026-11-23T08:00:00Z")),
        ("busy {torn", "busy", Holder("somebody unknown")),
        ("lost {}", "lost", Holder("somebody unknown")),
    ],
)
def test_a_line_of_the_program_that_holds_it(line: str, word: str, who: Holder | None):
    assert parse_said(line) == (word, who)


def test_who_has_it_and_who_keeps_deploys_back():
    facts = parse_lease(f'holder {ADA}\nhold {{"owner": "bob", "until": "tomorrow"}}\n')

    assert facts.holder is not None
    assert facts.holder.describe() == "ada since 2026-11-23T08:00:00Z (a fix)"
    assert facts.hold == Holder("bob", until="tomorrow")
    assert parse_lease("") == LeaseFacts()


@pytest.mark.parametrize(("supersedes", "asked"), [(True, CLAIM.asked_at), (False, "")])
def test_only_a_deploy_stands_in_line(supersedes: bool, asked: str):
    claim = Claim(CLAIM.token, CLAIM.owner, asked_at=CLAIM.asked_at, supersedes=supersedes)

    assert take_command(LAYOUT, claim, "wait").argv[8] == asked


def test_a_hold_that_has_no_room_says_so_as_the_lease_does():
    full = "/opt/trovella/lease cannot be written: its file system is full"
    commands = (
        take_command(LAYOUT, CLAIM, "wait"),
        hold_command(LAYOUT, CLAIM, wait_s=0, for_s=0),
        hold_within_command(LAYOUT, CLAIM),
    )

    assert [one.meanings[NO_ROOM] for one in commands] == [full] * 3


def test_a_fenced_command_keeps_its_words():
    words = fenced(Command(("echo", "two words")), LAYOUT, "t0ken")

    assert words[-4:] == ("/opt/trovella/lease", "t0ken", "echo", "two words")
