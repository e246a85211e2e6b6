"""Decides from what the rows answered whether pending migrations may be applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.lint import Lint, is_refused, weighed
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.precheck import BOUND, Answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rollout.policy import MigrationRules

_REFUSES = "data-refuses"
_MAY_REFUSE = "data-may-refuse"
_TIMEOUT = "precheck-timeout"


def with_prechecks(
    lint: Lint, answers: Iterable[Answer], accepted: Collection[str], rules: MigrationRules
) -> Lint:
    """Return what pending migrations do, with what the rows say of it, and whether it may be done.

    Args:
        lint: What the rules say.
        answers: What the rows answered.
        accepted: Rules whose findings the request takes upon itself; `data-refuses` among them
            means to try all the same.
        rules: What the environment makes of each rule's findings.
    """
    told: dict[str, list[Finding]] = {}
    for answer in answers:
        for finding in weighed(_findings(answer), accepted, rules):
            told.setdefault(finding.where, []).append(finding)
    found = tuple(dict.fromkeys(finding for one in told.values() for finding in one))
    statements = tuple(
        (one, (*said, *dict.fromkeys(told.pop(one.statement.where, ()))))
        for one, said in lint.statements
    )
    before = lint.verdict.findings if isinstance(lint.verdict, Refuse) else ()
    refused = (*before, *(one for one in found if is_refused(one.rule, accepted, rules)))
    findings = tuple(dict.fromkeys((*refused, *lint.findings, *found)))
    return Lint(statements, findings, Refuse(refused) if refused else Go(findings))


def _findings(answer: Answer) -> Iterator[Finding]:
    rule, consequence, help_ = _told(answer)
    if rule:
        yield Finding(rule, consequence, answer.precheck.statement.where, help_)


def _told(answer: Answer) -> tuple[str, str, str]:
    """Return rule, consequence and help; no rule when there is nothing to say."""
    ending, precheck = answer.ending, answer.precheck
    if ending == "refused" or answer.count:
        return _hit(answer)
    if ending in {"too slow", "locked"}:
        why = "takes too long" if ending == "too slow" else "waits for a lock that somebody holds"
        return (
            _TIMEOUT,
            f"whether there are rows {precheck.offenders} is not known: to ask {why}",
            "Ask it yourself before the statement does, with a longer statement_timeout: "
            f"{precheck.question}; or raise precheck_timeout_s in the environment's file.",
        )
    if ending == "forbidden":
        return _MAY_REFUSE, *_forbidden(answer)
    if ending == "not asked":
        why = precheck.doubt or f"the server does not take the question ({answer.sqlstate})"
        return (
            _MAY_REFUSE,
            f"whether there will be rows {precheck.offenders} cannot be asked beforehand: {why}",
            "Try the migrations on a copy that has production's rows, or deploy what comes "
            "before by itself.",
        )
    if precheck.doubt:
        return (
            _MAY_REFUSE,
            f"there are no rows {precheck.offenders} now, which may change: {precheck.doubt}",
            "Make sure that what comes before leaves none, or deploy it by itself first.",
        )
    return "", "", ""


def _hit(answer: Answer) -> tuple[str, str, str]:
    precheck = answer.precheck
    if precheck.doubt:
        return (
            _MAY_REFUSE,
            f"there {_are(answer)}; whether that is so when it is the statement's turn cannot be "
            f"told: {precheck.doubt}",
            "Make sure that what comes before leaves none of them.",
        )
    return (
        _REFUSES,
        f"the statement will fail{_code(answer)}: there {_are(answer)}",
        "Correct the rows in an earlier migration of the same deploy, or by hand: then deploy "
        "again.",
    )


def _forbidden(answer: Answer) -> tuple[str, str]:
    offenders = answer.precheck.offenders
    told = f"whether there are rows {offenders} is not known: the migrating role may not read"
    if answer.grants:
        return told, f"Let an administrator run {'; '.join(answer.grants)}; then deploy again."
    return (
        f"{told} all of it (row level security, or a function's privilege)",
        "Let the role that migrates own the tables, or give it BYPASSRLS.",
    )


def _are(answer: Answer) -> str:
    """Return how many there are, and which one for instance."""
    precheck, count = answer.precheck, answer.count
    if not count:
        return f"is a row {precheck.offenders}"
    noun = "row" if precheck.counts == "rows" else "value"
    known = f"{count:,}" if count <= BOUND else f"more than {BOUND:,}"
    verb = "is 1" if count == 1 else f"are {known}"
    return f"{verb} {noun}{'' if count == 1 else 's'} {precheck.offenders}{_example(answer)}"


def _example(answer: Answer) -> str:
    if not answer.key:
        return ""
    pairs = zip(answer.precheck.key, answer.key, strict=True)
    return f", for instance in the row with {', '.join(f'{name} {value}' for name, value in pairs)}"


def _code(answer: Answer) -> str:
    code = answer.sqlstate or answer.precheck.sqlstate
    return f" (SQLSTATE {code})" if code else ""
