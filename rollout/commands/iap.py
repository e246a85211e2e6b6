"""The tunnel of Identity-Aware Proxy that leads to a machine without a public SSH port.

Source: `gcloud compute start-iap-tunnel`, Google Cloud CLI 528, read 2026-11-25.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.model.target import Instance


def iap_tunnel_command(instance: Instance) -> str:
    """Return the command whose standard streams are a connection to a machine's port `%p`.

    Args:
        instance: The machine.

    Example:
        >>> from rollout.model.target import Instance
        >>> iap_tunnel_command(Instance("trovella-prod", "us-central1-a", "vm"))[:46]
        'gcloud compute start-iap-tunnel vm %p --listen'
    """
    words = (
        *("gcloud", "compute", "start-iap-tunnel", instance.name, "%p", "--listen-on-stdin"),
        *("--project", instance.project, "--zone", instance.zone),
    )
    return shlex.join(words)


def instance_words(instance: Instance) -> str:
    """Return how `gcloud compute` is told a machine: its name, project and zone.

    Example:
        >>> from rollout.model.target import Instance
        >>> instance_words(Instance("trovella-prod", "us-central1-a", "vm"))
        'vm --project trovella-prod --zone us-central1-a'
    """
    words = (instance.name, "--project", instance.project, "--zone", instance.zone)
    return shlex.join(words)
