"""Automations of Prefect's, declared: the one for runs whose process is gone, and how to write any.

What an automation has seen so far hangs on its trigger, which gets another id each time that it is
written. So one that is as it should be is not written again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

MISSED_HEARTBEATS = 3
_BEGINNING = ("Pending", "Submitting", "Running")
ZOMBIES = "declare runs dead whose process is gone"


async def declare_automation(automation: AutomationCore, client: PrefectClient) -> str:
    """Write an automation where it differs from what the server has by its name.

    Args:
        automation: The automation, with the name that it is found by.
        client: An open client of the server.

    Returns:
        One line that names it.
    """
    existing = await client.read_automations_by_name(automation.name)
    if not existing:
        await client.create_automation(automation)
    elif _what_it_does(existing[0]) != _what_it_does(automation):
        await client.update_automation(existing[0].id, automation)
    return f"automation: {automation.name}"


def _what_it_does(automation: AutomationCore) -> dict[str, Any]:
    # As Python's own objects: a set is a list in JSON, whose order differs from process to process.
    return automation.model_dump(include=set(AutomationCore.model_fields))


async def declare_zombie_automation(client: PrefectClient) -> str:
    """Mark a run Crashed after three missed heartbeats; that stops nothing that still runs.

    Source: docs.prefect.io, "Detect zombie flows", read 2026-11-22; its window of 90 s kills
    healthy runs with the default heartbeat of 180 s, so ours is tied to the setting.
    """
    return await declare_automation(_zombies(_silence_s()), client)


def _silence_s() -> int:
    return (get_current_settings().flows.heartbeat_frequency or 0) * MISSED_HEARTBEATS


def _zombies(silence_s: int) -> AutomationCore:
    trigger = EventTrigger(
        match={"prefect.resource.id": ["prefect.flow-run.*"]},  # pyright: ignore[reportArgumentType]
        for_each={"prefect.resource.id"},
        # A run that is killed in its first second was never heard of: its start counts as well.
        after={f"prefect.flow-run.{one}" for one in ("heartbeat", *_BEGINNING)},
        expect={"prefect.flow-run.*"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=silence_s),
    )
    crashed = ChangeFlowRunState(
        name=None,
        force=False,
        state=StateType.CRASHED,
        message=f"no heartbeat for {silence_s} s: its process is gone, or cut off\n"
        "left: unknown until the target is read\nnext: Retry goes on at the failed task.",
    )
    return AutomationCore(
        name=ZOMBIES,
        description="A run that was killed together with its worker would stay Running for good.",
        trigger=trigger,
        actions=[crashed],
    )
