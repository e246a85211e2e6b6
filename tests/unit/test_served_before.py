"""A release that served before the run is left as it is, whatever verify says of it by now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from rollout.executors.files import read_environment
from rollout.model.activation import Activation
from tasks.activate import serve_former
from tests.support.values import release

if TYPE_CHECKING:
    from rollout.executors.host import Host


class Untouched:
    """A host that nobody may ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def test_nothing_is_written_and_nothing_is_gone_back_to():
    seen = Activation(release(7), None, steps=0, round_trips=0, seconds=0.0, served=True)
    host, settings = cast("Host", Untouched()), read_environment("rehearsal")

    done = serve_former(host, settings, seen)
    after = serve_former(host, settings, replace(seen, steps=2))

    kept = "Release 7 was verified before this run, and is left as it is."
    assert (done.told, done.serves) == (kept, False)
    assert after.told == f"{kept} What this run did on the host stays."
