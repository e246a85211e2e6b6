"""Reads where a commit's files name variables and secrets, in three calls of git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.named import (
    names_declared,
    names_filled_in,
    names_in_example,
    names_in_workflow,
    names_read,
    secrets_listed,
)
from rollout.errors import ConfigInvalid
from rollout.executors import git
from rollout.model.manifest import Named, Places

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.source import Source


def read_places(source: Source, settings: Environment) -> Places:
    """Return what the files of a commit name; nothing is read where nothing is configured.

    Args:
        source: The commit.
        settings: The environment: `[manifest]` says which files count.

    Raises:
        ConfigInvalid: When the workflow is no YAML.
        CommandFailed: When git cannot look.
    """
    manifest = settings.manifest
    lines = git.find_lines(source, manifest.objects, manifest.code)
    # The compose file counts as soon as anything does.
    compose = (settings.application.compose,) if manifest != type(manifest)() else ()
    single = tuple(one for one in (manifest.example, manifest.workflow) if one)
    asked = (*compose, *single, *manifest.declared_in, *manifest.secret_lists)
    files = git.read_present(source, tuple(dict.fromkeys(asked)))
    texts = {path: content.decode(errors="replace") for path, content in files.items()}

    def of(path: str | None) -> tuple[str, str]:
        return (path or "", texts.get(path or "", ""))

    declared = [one for path in manifest.declared_in for one in names_declared(*of(path))]
    known = tuple(settings.secrets.values())
    return Places(
        code=(*names_read(lines, manifest.objects), *declared),
        compose=names_filled_in(*of(settings.application.compose)),
        example=names_in_example(*of(manifest.example)),
        workflow=_of_workflow(*of(manifest.workflow)),
        secrets=tuple(
            (path, secrets_listed(path, texts[path], known))
            for path in manifest.secret_lists
            if path in texts
        ),
        absent=tuple(path for path in dict.fromkeys(asked) if path not in texts),
    )


def _of_workflow(path: str, text: str) -> tuple[Named, ...]:
    try:
        return names_in_workflow(path, text)
    except ValueError as error:
        raise ConfigInvalid(path, f"is no YAML: {error}") from None
