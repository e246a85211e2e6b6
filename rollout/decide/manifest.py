"""Holds what a commit's files name against what the environment's file declares, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.config import Environment
    from rollout.model.manifest import Named, Places


def judge_manifest(places: Places, settings: Environment) -> Verdict:
    """Judge whether every variable and secret that is named is declared, and the other way round.

    A name counts once for each file, at the first line where it stands.

    Args:
        places: What the commit's files name.
        settings: The environment; its secrets, settings and build arguments are what is declared.
    """
    policy, shown = settings.manifest.policy, all_findings(places, settings)
    refused = tuple(one for one in shown if policy.consequence(one.rule) == "refuse")
    return Refuse(refused) if refused else Go(shown)


def all_findings(places: Places, settings: Environment) -> tuple[Finding, ...]:
    """Return what is told, whether it refuses or warns; the environment's file may leave some out.

    Args:
        places: What the commit's files name.
        settings: The environment.
    """
    found = (
        *_undeclared(places, settings),
        *_public(places, settings),
        *_unnamed(places, settings),
        *_secrets(places, settings),
        *_absent(places, settings),
    )
    policy = settings.manifest.policy
    return tuple(one for one in found if policy.consequence(one.rule) != "allow")


def findings_told(findings: Iterable[Finding]) -> str:
    """Return findings as lines: place, rule, what it is, and what to do."""
    return "\n".join(f"{one.where}: {one.rule}: {one.consequence}. {one.help}" for one in findings)


def _undeclared(places: Places, settings: Environment) -> Iterator[Finding]:
    """Yield each variable that somebody names and the environment's file does not give."""
    given = _given(settings)
    checks = {*settings.quality.env, *(name for one in settings.quality.checks for name in one.env)}
    lists: tuple[tuple[str, tuple[Named, ...], set[str]], ...] = (
        ("the code reads", places.code, given),
        ("compose fills in", places.compose, given),
        ("the example names", places.example, given),
        ("the workflow gives the checks", places.workflow, given | checks),
    )
    for who, named, known in lists:
        for one in _first_in_each_file(named):
            if one.name not in known:
                told = f"{who} {one.name}, which {_file(settings)} does not declare"
                yield Finding("variable-undeclared", told, one.where, _declare(one, settings))


def _public(places: Places, settings: Environment) -> Iterator[Finding]:
    """Yield what browsers need and the image is built without: `.env` comes too late for it."""
    prefix, build = settings.manifest.public, settings.build
    if not prefix:
        return
    built = {*build.args, *build.secret_args, *settings.manifest.elsewhere}
    for one in _first_in_each_file(places.code):
        late = one.name in settings.secrets or one.name in settings.settings
        if one.name.startswith(prefix) and late and one.name not in built:
            told = f"{one.name} is baked into what browsers load, and no build argument gives it"
            add = f"Add it to [build] args or secret_args of {_file(settings)}."
            yield Finding("public-not-built", told, one.where, add)


def _unnamed(places: Places, settings: Environment) -> Iterator[Finding]:
    """Yield what is declared and stands in none of the files where one would look for it.

    Who gives what stands under `[manifest.elsewhere]` is said there: no file has to name it.
    """
    manifest, absent = settings.manifest, set(places.absent)
    declared = {**settings.secrets, **settings.settings}
    looked_at = manifest.code or manifest.declared_in
    if manifest.example and manifest.example not in absent:
        named = {one.name for one in places.example}
        yield from _missing_in(manifest.example, declared.keys() - named, settings)
    elif looked_at and not manifest.example:
        named = {one.name for one in (*places.code, *places.compose)}
        yield from _missing_in("the code", declared.keys() - named, settings)
    if manifest.workflow and manifest.workflow not in absent:
        named = {one.name for one in places.workflow}
        yield from _missing_in(manifest.workflow, settings.quality.env.keys() - named, settings)


def _missing_in(place: str, names: Iterable[str], settings: Environment) -> Iterator[Finding]:
    for name in sorted(set(names) - settings.manifest.elsewhere.keys()):
        told = f"{_file(settings)} declares {name}, which {place} does not name"
        advice = f"Add it there, or take it out of {_file(settings)}."
        yield Finding("variable-unnamed", told, place, advice)


def _secrets(places: Places, settings: Environment) -> Iterator[Finding]:
    """Yield the secrets that a list of them lacks, and those that only it knows."""
    known = settings.secret_names
    for path, listed in places.secrets:
        for name in sorted(set(settings.secrets.values()) - {one.name for one in listed}):
            told = f"{_file(settings)} declares the secret {name}, which {path} does not list"
            advice = f"Add it there, or take it out of {_file(settings)}."
            yield Finding("missing-in-list", told, path, advice)
        for one in _first_in_each_file(listed):
            if one.name not in known:
                told = f"the secret {one.name} is listed, and {_file(settings)} does not declare it"
                advice = f"Add it to [secrets] of {_file(settings)}, or take it out of {path}."
                yield Finding("extra-in-list", told, one.where, advice)


def _absent(places: Places, settings: Environment) -> Iterator[Finding]:
    for path in places.absent:
        told = f"{_file(settings)} names a file that the commit does not have"
        yield Finding("file-absent", told, path, f"Correct [manifest] of {_file(settings)}.")


def _given(settings: Environment) -> set[str]:
    """Return the variables that something gives in this environment."""
    build = settings.build
    lists = (settings.secrets, settings.settings, build.args, build.secret_args, build.secrets)
    return {*settings.manifest.elsewhere, *(name for one in lists for name in one)}


def _declare(one: Named, settings: Environment) -> str:
    prefix = settings.manifest.public
    if prefix and one.name.startswith(prefix):
        return f"Add it to [build] args or secret_args of {_file(settings)}."
    return (
        f"Add it to [secrets] or [settings] of {_file(settings)}, or say under "
        "[manifest.elsewhere] who gives it."
    )


def _first_in_each_file(named: Iterable[Named]) -> tuple[Named, ...]:
    first: dict[tuple[str, str], Named] = {}
    for one in named:
        known = first.setdefault((one.path, one.name), one)
        if one.line < known.line:
            first[one.path, one.name] = one
    return tuple(sorted(first.values(), key=lambda one: (one.path, one.line, one.name)))


def _file(settings: Environment) -> str:
    return f"deployments/{settings.name}.toml"
