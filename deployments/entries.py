"""The deployments of prefect.yaml, as values."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

import yaml
from prefect.flows import Flow
from pydantic import BaseModel, ConfigDict, ValidationError

from blocks.loading import first_problem
from rollout.errors import ConfigInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from rollout.config import Environment

PROMOTE = "flows.promote.promote"
"""Registered only where the environment's file says from where releases are promoted."""


class Section(BaseModel):
    """A table of prefect.yaml; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pool(Section):
    """The work pool of a deployment."""

    name: str


class Schedule(Section):
    """When runs of a deployment are started without anybody asking.

    Attributes:
        cron: When, in cron's five fields.
        timezone: What the fields mean, for example `UTC`.
        active: Whether it starts runs; one that does not can be turned on in the UI.
    """

    cron: str
    timezone: str = "UTC"
    active: bool = True


class Entry(Section):
    """One deployment of prefect.yaml."""

    name: str
    entrypoint: str
    version_type: Literal["prefect:simple"]
    description: str
    work_pool: Pool
    tags: list[str] = []
    parameters: dict[str, Any] = {}
    schedules: list[Schedule] = []


def read_entries(path: Path, environment: str) -> list[Entry]:
    """Return the environment's deployments.

    Args:
        path: The path of prefect.yaml.
        environment: The name that its deployments have.

    Raises:
        ConfigInvalid: When an entry is not as it must be, the environment has none, or one of its
            entries would start runs for another: a flow without that parameter takes its default.
    """
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    try:
        entries = [Entry.model_validate(entry) for entry in document["deployments"]]
    except ValidationError as error:
        raise ConfigInvalid(path.name, first_problem(error)) from None
    chosen = [entry for entry in entries if entry.name == environment]
    if not chosen:
        known = ", ".join(sorted({entry.name for entry in entries}))
        raise ConfigInvalid(path.name, f"has no deployment {environment!r}; it has {known}")
    for entry in chosen:
        _demand_own(entry, path)
    return chosen


def _demand_own(entry: Entry, path: Path) -> None:
    place = f"{path.name}: {entry.entrypoint} named {entry.name!r}"
    given = entry.parameters.get("environment", "nothing")
    if given != entry.name:
        raise ConfigInvalid(place, f"parameters.environment should be {entry.name!r}, not {given}")
    if entry.name not in entry.tags:
        raise ConfigInvalid(place, f"tags should name {entry.name!r}")


def decide_entries(known: list[Entry], settings: Environment) -> tuple[list[Entry], list[str]]:
    """Return what is registered of an environment, and a line for each entry that is left out.

    Args:
        known: Its entries.
        settings: What its file says.
    """
    left_out = [one for one in known if one.entrypoint == PROMOTE and settings.promotion is None]
    why = f"left out, because deployments/{settings.name}.toml has no [promotion]"
    told = [f"deployment promote/{one.name}: {why} (docs/promote.md)" for one in left_out]
    return [one for one in known if one not in left_out], told


def load_flow(entrypoint: str) -> Flow[..., Any]:
    """Return the flow that an entrypoint such as `flows.deploy.deploy` names.

    Raises:
        ConfigInvalid: When there is no such flow in that module.
    """
    module, _, name = entrypoint.rpartition(".")
    found = getattr(import_module(module), name, None)
    if not isinstance(found, Flow):
        raise ConfigInvalid("prefect.yaml", f"entrypoint {entrypoint} is no flow")
    return cast("Flow[..., Any]", found)
