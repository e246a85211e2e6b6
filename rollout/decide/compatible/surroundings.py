"""What runs beside a statement: triggers, rules, functions, and whatever is not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.rule import Comparison, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator


def _trigger_changed(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        known = set(pair.old.triggers)
        for trigger in pair.new.triggers:
            if trigger not in known:
                told = "it may refuse or change what the code writes"
                yield Said(Grade.RISK, trigger.name, told, pair.old.name)


def _trigger_lost(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        kept = {trigger.name for trigger in pair.new.triggers}
        for trigger in pair.old.triggers:
            if trigger.name not in kept:
                told = "nobody does what it did"
                yield Said(Grade.RISK, trigger.name, told, pair.old.name)


def _rule_new(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for rule in sorted(set(pair.new.rules) - set(pair.old.rules)):
            yield Said(Grade.BREAK, "", f"something else is done instead: {rule}", pair.old.name)


def _rule_lost(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for rule in sorted(set(pair.old.rules) - set(pair.new.rules)):
            yield Said(Grade.RISK, "", f"nobody does what this did: {rule}", pair.old.name)


def _function_changed(both: Comparison) -> Iterator[Said]:
    after = {function.signature: function for function in both.new.functions}
    for old in both.old.functions:
        new = after.get(old.signature)
        if new is None:
            yield Said(Grade.RISK, old.signature, "there is no such function any more")
        elif old.body != new.body:
            yield Said(Grade.RISK, old.signature, "it does something else")
        elif old.usable and not new.usable:
            yield Said(Grade.RISK, old.signature, "the role may not call it any more")


def _not_understood(both: Comparison) -> Iterator[Said]:
    for thing in sorted(set(both.old.other) ^ set(both.new.other)):
        if thing in both.old.other:
            yield Said(Grade.RISK, thing, "it is not there any more, or differs")
    for pair in both.pairs:
        for thing in sorted(set(pair.old.other) ^ set(pair.new.other)):
            yield Said(Grade.RISK, thing, "what this does is not known here", pair.old.name)


RULES = (
    Rule("trigger-changed", "Try the code's statements with it.", _trigger_changed),
    Rule("trigger-lost", "Look what it did for the code.", _trigger_lost),
    Rule("rule-new", "Drop the rule, or use a trigger.", _rule_new),
    Rule("rule-lost", "Look what it did for the code.", _rule_lost),
    Rule(
        "function-changed", "Look which statements, checks and triggers call it.", _function_changed
    ),
    Rule("not-understood", "Try the code's statements, and look at it yourself.", _not_understood),
)
