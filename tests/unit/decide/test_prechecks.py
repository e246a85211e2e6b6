"""What the rows' answers lead to: the words, the verdict, and what the request may accept."""

from __future__ import annotations

import pytest

from rollout.decide.lint import Lint
from rollout.decide.prechecks import with_prechecks
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.precheck import BOUND, Answer, Precheck
from rollout.policy import MigrationRules
from tests.support.migrations import judged
from tests.support.tables import CATALOG

(ONE,) = judged("ALTER TABLE note ALTER COLUMN title SET NOT NULL", CATALOG)
DOUBT = "an earlier statement changes the rows"


def precheck(doubt: str = "", counts: str = "rows") -> Precheck:
    return Precheck(
        ONE.statement,
        "of note without a value in title",
        "23502",
        "SELECT 1",
        counts="values" if counts == "values" else "rows",
        key=("id",),
        doubt=doubt,
    )


def told(
    answer: Answer, *accepted: str, rules: MigrationRules | None = None, lint: Lint | None = None
) -> Lint:
    before = lint or Lint(((ONE, ()),), (), Go())
    return with_prechecks(before, (answer,), accepted, rules or MigrationRules())


def only(lint: Lint) -> Finding:
    (finding,) = lint.findings
    assert lint.statements == ((ONE, (finding,)),)
    return finding


def test_no_row_in_the_way_is_nothing_to_say():
    assert told(Answer(precheck())) == Lint(((ONE, ()),), (), Go())


def test_rows_in_the_way_refuse_and_name_one_by_its_key():
    lint = told(Answer(precheck(), count=3, key=("7",)))

    finding = only(lint)
    assert (finding.rule, finding.where) == ("data-refuses", ONE.statement.where)
    assert finding.consequence == (
        "the statement will fail (SQLSTATE 23502): there are 3 rows of note without a value in "
        "title, for instance in the row with id 7"
    )
    assert finding.help.startswith("Correct the rows in an earlier migration")
    assert finding.help.endswith("`accept` naming data-refuses.")
    assert lint.verdict == Refuse((finding,))


@pytest.mark.parametrize(
    ("count", "counts", "words"),
    [
        (1, "rows", "there is 1 row of note"),
        (BOUND + 1, "rows", "there are more than 1,000 rows of note"),
        (2, "values", "there are 2 values of note"),
    ],
)
def test_how_many_there_are(count: int, counts: str, words: str):
    assert words in only(told(Answer(precheck(counts=counts), count=count))).consequence


def test_a_question_that_fails_as_the_statement_would_refuses_with_its_own_code():
    finding = only(told(Answer(precheck(), "refused", sqlstate="22P02")))

    assert finding.consequence.startswith(
        "the statement will fail (SQLSTATE 22P02): there is a row"
    )


@pytest.mark.parametrize(
    ("answer", "rule", "words"),
    [
        (Answer(precheck(DOUBT), count=2), "data-may-refuse", "whether that is so when"),
        (Answer(precheck(DOUBT)), "data-may-refuse", "there are no rows of note"),
        (Answer(precheck(DOUBT), "not asked"), "data-may-refuse", f"beforehand: {DOUBT}"),
        (Answer(precheck(), "not asked", sqlstate="42883"), "data-may-refuse", "(42883)"),
        (Answer(precheck(), "forbidden"), "data-may-refuse", "row level security"),
        (Answer(precheck(), "too slow"), "precheck-timeout", "to ask takes too long"),
        (Answer(precheck(), "locked"), "precheck-timeout", "waits for a lock"),
    ],
)
def test_what_is_not_sure_is_a_warning(answer: Answer, rule: str, words: str):
    lint = told(answer)

    finding = only(lint)
    assert finding.rule == rule
    assert words in finding.consequence
    assert lint.verdict == Go((finding,))


def test_the_missing_right_is_what_an_administrator_types():
    answer = Answer(precheck(), "forbidden", grants=("GRANT SELECT ON note TO app",))

    assert only(told(answer)).help == (
        "Let an administrator run GRANT SELECT ON note TO app; then deploy again."
    )


def test_accepting_it_tries_all_the_same_and_the_environment_may_say_otherwise():
    answer = Answer(precheck(), count=3)
    warned = told(answer, rules=MigrationRules.model_validate({"data-refuses": "warn"}))
    silent = told(answer, rules=MigrationRules.model_validate({"data-refuses": "allow"}))

    accepted = told(answer, "data-refuses")
    assert only(accepted).consequence.startswith("accepted: the statement will fail")
    assert isinstance(accepted.verdict, Go)
    assert isinstance(warned.verdict, Go)
    assert only(warned).consequence.startswith("the statement will fail")
    assert silent == Lint(((ONE, ()),), (), Go())


def test_what_the_rules_refuse_stays_refused_and_is_named_first():
    said = Finding("drop-column", "it goes", "0001_step.sql", "Look.")
    refused = Lint(((ONE, (said,)),), (said,), Refuse((said,)))

    lint = told(Answer(precheck(), count=1), lint=refused)

    assert isinstance(lint.verdict, Refuse)
    assert [one.rule for one in lint.verdict.findings] == ["drop-column", "data-refuses"]
    ((_, findings),) = lint.statements
    assert [one.rule for one in findings] == ["drop-column", "data-refuses"]
    assert told(Answer(precheck()), lint=refused).verdict == Refuse((said,))


def test_two_parts_of_one_statement_with_one_answer_are_told_once():
    answer = Answer(precheck(), count=1)

    lint = with_prechecks(Lint(((ONE, ()),), (), Go()), (answer, answer), (), MigrationRules())

    assert only(lint).rule == "data-refuses"
