"""What a revert takes back, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.decide.revert import (
    Ends,
    check_proposing,
    choose_ends,
    choose_span,
    propose_revert,
    without_github,
)
from rollout.errors import ConfigInvalid
from rollout.executors.files import read_environment
from rollout.ledger import Entry, Event, render_entry
from rollout.model.activation import Wish
from rollout.model.finding import Refuse
from rollout.model.host import HostFacts
from rollout.model.proposal import Commit, PullRequest, Revert, Span
from rollout.model.release import Version
from rollout.render.revert import Story, render_proposal

REHEARSED = read_environment("rehearsal")
SETTINGS = REHEARSED.model_copy(
    update={
        "branch": "main",
        "migrations": REHEARSED.migrations.model_copy(
            update={"declared_in": ("packages/db/src/schema",)}
        ),
    }
)
RUN = "1a2b3c4d-0000-0000-0000-000000000000"
STORY = Story("production", "500s on /pay", "ada", RUN, "https://prefect/run/1", ("It is OK.",))
DEPLOYED: tuple[Event, ...] = ("prepared", "migrated", "activated", "verified")


def version(number: int) -> Version:
    return Version(f"{number:x}" * 40)


def facts(*said: tuple[int, Event], live: int | None = None, newest: int = 3) -> HostFacts:
    """Return a host to which releases were deployed in order, and what was said of some since."""
    lines: list[tuple[int, Event]] = [
        (number, event) for number in range(1, newest + 1) for event in DEPLOYED
    ]
    entries = [Entry(one, event, version(one).sha, "d") for one, event in (*lines, *said)]
    ledger = "".join(render_entry(one) + "\n" for one in entries)
    return HostFacts(ledger=ledger, live=f"web-r{live}" if live else "")


def went_back(left: int, to: int) -> tuple[tuple[int, Event], ...]:
    return ((to, "activated"), (left, "rolled-back"), (to, "verified"))


@pytest.mark.parametrize(
    ("host", "wanted", "chosen", "tops"),
    [
        (facts(), "", 2, [3]),
        (facts(), "1", 1, [3]),
        (facts(), "2 222222222222", 2, [3]),
        (facts(live=2), "1", 1, [2]),
        # A rollback made 2 serve: the branch follows it.
        (facts(*went_back(3, 2)), "", 2, [3]),
        (facts(*went_back(3, 2)), "2", 2, [3]),
        # Further back: what serves has to go as well as what was left.
        (facts(*went_back(3, 2)), "1", 1, [2, 3]),
        # Forward again: nothing is left any more.
        (facts(*went_back(3, 2), *went_back(2, 3)), "1", 1, [3, 2]),
    ],
)
def test_the_ends_come_from_the_ledger(host: HostFacts, wanted: str, chosen: int, tops: list[int]):
    assert choose_ends(host, wanted, "web") == Ends(
        chosen, version(chosen), {one: version(one) for one in tops}
    )


@pytest.mark.parametrize(
    ("host", "wanted", "told"),
    [
        (facts(), "9", "the ledger has no release 9 that served"),
        (facts((4, "prepared")), "4", "the ledger has no release 4 that served"),
        (facts(), "3", "release 3 serves already, and no later one was left by a rollback"),
        (facts(newest=1), "", "none served before"),
        (HostFacts(), "", "no release of ours serves"),
    ],
)
def test_there_may_be_nothing_to_go_back_to(host: HostFacts, wanted: str, told: str):
    refused = choose_ends(host, wanted, "web")

    assert isinstance(refused, Refuse)
    assert refused.findings[0].consequence == told


def commits(*numbers: int) -> tuple[Commit, ...]:
    return tuple(Commit(version(one), f"change {one}", one == 3) for one in numbers)


ENDS = Ends(2, version(2), {4: version(4), 3: version(3)})
LONG = Span(version(4), is_merged=True, follows=True, commits=commits(4, 3))
SHORT = Span(version(3), is_merged=True, follows=True, commits=commits(3))


def test_the_longest_span_is_taken_back():
    assert choose_span(ENDS, (SHORT, LONG), "main") == LONG
    aside = Span(version(4), is_merged=False, follows=True)
    assert choose_span(ENDS, (aside, SHORT), "main") == SHORT


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (
            Span(version(4), is_merged=False, follows=True),
            "444444444444, which is to be taken back, is not on main",
        ),
        (
            Span(version(4), is_merged=True, follows=False),
            "222222222222, which is to be gone back to, is no ancestor of 444444444444",
        ),
        (
            Span(version(4), is_merged=True, follows=True),
            "nothing lies between 222222222222 and 444444444444",
        ),
    ],
)
def test_a_span_that_cannot_be_taken_back_says_why(span: Span, told: str):
    refused = choose_span(ENDS, (span,), "main")

    assert isinstance(refused, Refuse)
    assert refused.findings[0].consequence == told


def test_the_whole_proposal():
    span = replace(
        LONG,
        newer=(Commit(version(5), "`@ada` <b>\nlater", is_merge=False),),
        migrations=("packages/db/src/migrations/0002_x.sql",),
    )

    made = propose_revert(ENDS, span, STORY, SETTINGS)

    folders = ("packages/db/src/migrations", "packages/db/src/schema")
    assert made.branch == "revert/222222222222-1a2b3c4d"
    assert made.change == Revert(version(2), version(4), folders)
    assert made.title == "Revert to release 2 (222222222222)"
    assert made.message == (
        "Revert to release 2 (222222222222)\n"
        "\n"
        f"Takes back 2 commits of the branch's own line, from {'2' * 40} to {'4' * 40}.\n"
        "Why: 500s on /pay\n"
        "Asked by: ada, for production\n"
        "Run: https://prefect/run/1\n"
    )
    assert made.body == (
        "Takes the code of production back to release 2 (`222222222222`). Merged, it is deployed "
        "like any other commit.\n"
        "\n"
        "- **why:** 500s on /pay\n"
        "- **asked by:** ada\n"
        f"- **run:** [{RUN}](https://prefect/run/1)\n"
        "\n"
        "## Taken back\n"
        "\n"
        "- 444444444444 `change 4`\n"
        "- 333333333333 `change 3` (a merge)\n"
        "\n"
        "## On the branch since, and staying\n"
        "\n"
        "They came after what served, so they are deployed with this commit. Look at them first.\n"
        "\n"
        "- 555555555555 `'@ada' <b> later`\n"
        "\n"
        "## Migrations\n"
        "\n"
        "They are applied and stay applied; `packages/db/src/migrations`, `packages/db/src/schema` "
        "stay as they are on the branch.\n"
        "\n"
        "- `packages/db/src/migrations/0002_x.sql`\n"
        "\n"
        "## Schema\n"
        "\n"
        "- It is OK.\n"
    )


def test_where_nobody_said_where_to_propose_the_commands_are_told():
    refused = without_github(propose_revert(ENDS, LONG, STORY, SETTINGS), SETTINGS)

    (one,) = refused.findings
    assert one.consequence == (
        "deployments/rehearsal.toml has no [github], so nothing can be proposed"
    )
    assert one.help == (
        "Say there which repository it is, or do it in a clone of your own:\n"
        "  git fetch origin\n"
        "  git switch --no-track -c revert/222222222222-1a2b3c4d origin/main\n"
        "  git revert --no-commit -m 1 "
        f"$(git rev-list --first-parent {'2' * 40}..{'4' * 40})\n"
        "  git checkout origin/main -- packages/db/src/migrations packages/db/src/schema\n"
        "  git commit -m 'Revert to release 2 (222222222222)'\n"
        "  git push -u origin revert/222222222222-1a2b3c4d\n"
        "  gh pr create --base main --title 'Revert to release 2 (222222222222)' --fill"
    )


def test_beside_the_run_stands_where_it_is_proposed():
    made = propose_revert(ENDS, LONG, replace(STORY, run_url="", schema=()), SETTINGS)

    shown = render_proposal(made, "main", PullRequest(7, "https://git/pull/7"))
    assert "- **pull request:** [https://git/pull/7](https://git/pull/7), open\n" in shown
    assert "- **branch:** `revert/222222222222-1a2b3c4d` for `main`\n" in shown
    assert f"- **run:** `{RUN}`" in shown
    assert "None is among what is taken back." in shown
    assert "- It was not read." in shown
    assert "- **pull request:** would be opened\n" in render_proposal(made, "main", None)


def test_a_long_list_says_how_much_it_leaves_out():
    span = replace(LONG, commits=commits(*[4] * 60))

    body = propose_revert(ENDS, span, STORY, SETTINGS).body

    assert body.count("`change 4`") == 50
    assert "- and 10 more\n" in body


def test_a_revert_refuses_what_it_cannot_do():
    wish = Wish(strategy="revert", reason="a test")

    check_proposing(wish, hold=False)
    with pytest.raises(ConfigInvalid, match="hold: should be off"):
        check_proposing(wish, hold=True)
    with pytest.raises(ConfigInvalid, match="secrets and accept go with auto, image"):
        Wish(strategy="revert", reason="a test", accept=("no-contract",))
    with pytest.raises(ConfigInvalid, match="secrets and accept go with auto, image"):
        Wish(strategy="revert", reason="a test", secrets="newest")
