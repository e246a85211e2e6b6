"""Who is told of a run that failed, rolled back, holds or asks: a webhook that the server calls.

Automations of Prefect's, so that a run whose worker died is told of as well. The address is a
secret in a block; the text is what the run's state says: true, cause, left, next. Prefect's state
of a run that asks says nothing, so that text is a label of the run.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.blocks.webhook import Webhook
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from pydantic import SecretStr

from deployments.automations import declare_automation
from rollout.errors import HELD, ROLLED_BACK, ConfigInvalid
from tasks.ask import ASKS

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

    from deployments.facts import NotificationFacts

FAILED = ("Failed", "Crashed", HELD, ROLLED_BACK, "Drifted")
"""Names of states that somebody must hear of, whichever flow ends in them."""
WENT_BACK = ("Completed",)
"""Names of states of the flow rollback after which another release serves."""
ASKING = ("Paused", "Suspended")
"""Names of states in which a run waits for a person."""
_JSON = {"Content-Type": "application/json"}
# What Prefect writes before an error's own words says nothing to a person.
_TEXT = (
    "{{ {'text': flow_run.name ~ ': ' ~ flow_run.state.name ~ '\\n' ~ "
    "(flow_run.state.message or '') | replace('Flow run encountered an exception: ', '') ~ '\\n' ~ "
    "(flow_run | ui_url or '')} | tojson }}"
)
_QUESTION = (
    "{{ {'text': flow_run.name ~ ': ' ~ flow_run.state.name ~ '\\n' ~ "
    f"(flow_run.labels['{ASKS}'] or 'it waits for a person') ~ '\\n' ~ "
    "(flow_run | ui_url or '')} | tojson }}"
)


async def declare_notifications(
    environment: str,
    block: str,
    facts: NotificationFacts | None,
    *,
    replace: bool,
    client: PrefectClient,
) -> list[str]:
    """Let a webhook be called for the runs of an environment; empty `block` lets nobody be called.

    Args:
        environment: The environment; its deployments carry its name as a tag.
        block: The webhook block's name; empty takes away what was declared before.
        facts: Where its address is read from; None leaves the block to whoever made it.
        replace: Whether a block that exists is written again.
        client: An open client of the server.

    Returns:
        One line for each part, saying what was done.

    Raises:
        ConfigInvalid: When there is no such block and no facts to make it from.
    """
    if not block:
        return await _taken_away(environment, client)
    told = [await _block(block, facts, replace=replace, client=client)]
    document = await client.read_block_document_by_name(
        block, Webhook.get_block_type_slug(), include_secrets=False
    )
    call = CallWebhook(block_document_id=document.id, payload=_TEXT)
    told.append(await declare_automation(_failed(environment, call), client))
    told.append(await declare_automation(_rolled_back(environment, call), client))
    call = CallWebhook(block_document_id=document.id, payload=_QUESTION)
    told.append(await declare_automation(_asking(environment, call), client))
    return told


def automation_names(environment: str) -> tuple[str, str, str]:
    """Return the names of an environment's automations: failures, rollbacks, questions."""
    what = ("failed runs", "rollbacks", "questions")
    failed, rolled_back, asking = (f"tell of {one} of {environment}" for one in what)
    return failed, rolled_back, asking


async def _block(
    name: str, facts: NotificationFacts | None, *, replace: bool, client: PrefectClient
) -> str:
    slug = Webhook.get_block_type_slug()
    await Webhook.aregister_type_and_schema(client=client)
    try:
        await client.read_block_document_by_name(name, slug, include_secrets=False)
        there = True
    except ObjectNotFound:
        there = False
    if there and (facts is None or not replace):
        return f"block {slug}/{name}: kept as it is"
    if facts is None:
        raise ConfigInvalid(
            f"block {slug}/{name}",
            "is not there: make it in the UI, or give [notifications] url_file with --blocks",
        )
    webhook = Webhook(url=SecretStr(_url(facts.url_file)), headers=SecretDict(_JSON))
    await webhook.asave(name, overwrite=True, client=client)
    return f"block {slug}/{name}: saved"


def _url(path: str) -> str:
    try:
        url = Path(path).read_text().strip()
    except OSError as error:
        raise ConfigInvalid(path, f"cannot be read: {error.strerror}") from None
    if not url.startswith(("https://", "http://")):
        raise ConfigInvalid(path, "should hold one address, from https:// on")
    return url


def _failed(environment: str, call: CallWebhook) -> AutomationCore:
    return AutomationCore(
        name=automation_names(environment)[0],
        description="Whoever is on call hears of it, with what is true, why, and what to do.",
        trigger=_when(FAILED, environment),
        actions=[call],
    )


def _rolled_back(environment: str, call: CallWebhook) -> AutomationCore:
    return AutomationCore(
        name=automation_names(environment)[1],
        description="An earlier release serves: whoever merges next should know.",
        trigger=_when(WENT_BACK, environment, "rollback"),
        actions=[call],
    )


def _asking(environment: str, call: CallWebhook) -> AutomationCore:
    return AutomationCore(
        name=automation_names(environment)[2],
        description="A person has to decide before the time is over.",
        trigger=_when(ASKING, environment),
        actions=[call],
    )


def _when(states: tuple[str, ...], *tags: str) -> EventTrigger:
    """Return a trigger for runs with all of these tags that come to one of these states."""
    related = [
        {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
        for tag in tags
    ]
    return EventTrigger(
        match={"prefect.resource.id": ["prefect.flow-run.*"]},  # pyright: ignore[reportArgumentType]
        match_related=related,  # pyright: ignore[reportArgumentType]
        expect={f"prefect.flow-run.{state}" for state in states},
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(seconds=0),
    )


async def _taken_away(environment: str, client: PrefectClient) -> list[str]:
    told: list[str] = []
    for name in automation_names(environment):
        for one in await client.read_automations_by_name(name):
            await client.delete_automation(one.id)
            told.append(f"automation: {name}: taken away")
    return told
