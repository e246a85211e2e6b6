"""What the monitoring says of a target."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

from blocks import load_gcp_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from rollout.config import Environment
    from rollout.model.alert import Alert


def reading_alerts(
    settings: Environment, beside: ThreadPoolExecutor
) -> Callable[[], tuple[Alert, ...] | None]:
    """Begin to read the newest alerts of the environment's project, and return what waits for them.

    What waits returns None where the environment's file asks for none, and raises
    `AlertsUnavailable` where they cannot be read.

    Args:
        settings: The environment.
        beside: Whose threads read them.
    """
    if settings.verify.limits.alerts == "off":
        return lambda: None
    return beside.submit(copy_context().run, _read, settings).result


def _read(settings: Environment) -> tuple[Alert, ...]:
    return load_gcp_project(settings.blocks.gcp_project).alerts().newest()
