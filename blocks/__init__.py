"""Prefect blocks: addresses and credentials as people keep them, and what opens with them.

A block validates what a person typed and hands out a value of `rollout.model` or an executor. It
decides nothing and runs nothing. Flows carry names of blocks, never their content.

Importing Prefect's Google integration costs a second, so a block's class is imported when its block
is asked for: a run that needs only the host never pays for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blocks.loading import load_block

if TYPE_CHECKING:
    from blocks.app_database import AppDatabase
    from blocks.artifact_registry import ArtifactRegistry
    from blocks.gcp_project import GcpProject
    from blocks.target_host import TargetHost

__all__ = [
    "load_app_database",
    "load_artifact_registry",
    "load_block",
    "load_gcp_project",
    "load_target_host",
]


def load_target_host(name: str) -> TargetHost:
    """Return the `TargetHost` block of that name; raises as `load_block` does."""
    from blocks.target_host import TargetHost  # noqa: PLC0415 - import cost, see above

    return load_block(TargetHost, name)


def load_gcp_project(name: str) -> GcpProject:
    """Return the `GcpProject` block of that name; raises as `load_block` does."""
    from blocks.gcp_project import GcpProject  # noqa: PLC0415 - import cost, see above

    return load_block(GcpProject, name)


def load_artifact_registry(name: str) -> ArtifactRegistry:
    """Return the `ArtifactRegistry` block of that name; raises as `load_block` does."""
    from blocks.artifact_registry import ArtifactRegistry  # noqa: PLC0415 - import cost, see above

    return load_block(ArtifactRegistry, name)


def load_app_database(name: str) -> AppDatabase:
    """Return the `AppDatabase` block of that name; raises as `load_block` does."""
    from blocks.app_database import AppDatabase  # noqa: PLC0415 - import cost, see above

    return load_block(AppDatabase, name)
