"""The application's own command for its migrations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import get_run_logger

from rollout.errors import CommandFailed
from rollout.executors.process import run_local
from rollout.model.command import Command

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.source import Source
    from rollout.model.target import DatabaseAddress


def apply_by_command(settings: Environment, source: Source, address: DatabaseAddress) -> None:
    """Let the application's own command apply what is pending.

    Raises:
        CommandFailed: When it fails, or takes too long.
    """
    wanted = settings.migrations
    result = run_local(
        Command(wanted.command, timeout_s=wanted.command_timeout_s),
        cwd=Path(source.path),
        env={"DATABASE_URL": address.url},
        log=get_run_logger().info,
    )
    if not result.ok:
        raise CommandFailed(
            "the application's own command for its migrations failed",
            result,
            left="What it had applied before stays; the release that served before still serves.",
            next_step="Correct the migration and deploy the next commit, or retry this run.",
        )
