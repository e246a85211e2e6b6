"""preflight refuses outside of the windows, before it reaches for anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from prefect import flow

from rollout.errors import ConfigInvalid, Refused
from rollout.executors.files import read_environment
from rollout.may_go import DAYS, MayGo
from rollout.model.release import Version
from tasks import preflight

if TYPE_CHECKING:
    from rollout.config import Environment


@flow(name="deploying at a bad hour")
def deploying(accept: tuple[str, ...]) -> None:
    preflight.preflight(Version("a" * 40), "production", accept)


@pytest.fixture(autouse=True)
def _closed_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let production be open on another day of the week only."""
    other = DAYS[(datetime.now(UTC).weekday() + 3) % len(DAYS)]
    closed = MayGo(windows=(f"{other} 10:00-11:00",))

    def read(name: str) -> Environment:
        return read_environment(name).model_copy(update={"may_go": closed})

    monkeypatch.setattr(preflight, "read_environment", read)


def test_outside_of_the_windows_nothing_is_reached_for():
    with pytest.raises(Refused) as refused:
        deploying(())

    assert "is outside of " in refused.value.true
    assert refused.value.left == "Nothing was changed."
    assert "10:00 (UTC) on, or all the same with `accept` naming outside-window" in str(
        refused.value
    )


def test_by_name_it_goes_on_to_what_it_needs():
    # This server has no blocks, so the registry is where it ends now.
    with pytest.raises(ConfigInvalid, match="block artifact-registry/production-registry"):
        deploying(("outside-window",))
