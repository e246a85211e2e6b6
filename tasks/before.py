"""What the public address was like before a flow changed what serves there."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from rollout.executors.files import read_environment
from rollout.executors.outside import look_outside
from rollout.model.layout import release_service

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import Environment
    from rollout.model.outside import Outside
    from rollout.model.release import Release

# A look that takes longer was slowed down by something that is worth to be seen as it is.
WITHIN_S = 60.0


class _Look:
    """One look at the public address, from a thread, so that nothing waits for it."""

    def __init__(self, settings: Environment) -> None:
        self._settings = settings
        self._seen: Outside | None = None
        self._thread = threading.Thread(target=self._take, name="look before", daemon=True)
        self._thread.start()

    def _take(self) -> None:
        self._seen = look_outside(self._settings.verify)

    def seen(self) -> Outside | None:
        self._thread.join(WITHIN_S)
        return self._seen


_LOOK: ContextVar[_Look | None] = ContextVar("look before", default=None)


@contextmanager
def looking_before(settings: Environment) -> Generator[None]:
    """Look at the public address now, beside the block, for whoever asks in it what was before."""
    token = _LOOK.set(_Look(settings))
    try:
        yield
    finally:
        _LOOK.reset(token)


def before(release: Release, environment: str, *, served: bool = False) -> Outside | None:
    """Return what the address was like before this run changed what answers there.

    None where no flow looked, nothing answered, or the release itself did: a run that goes on after
    its switch must not take its own release's faults for those of the one before.

    Args:
        release: What serves now.
        environment: The environment.
        served: Whether it was seen serving before this run, which has switched nothing then.
    """
    look = _LOOK.get()
    seen = look.seen() if look else None
    if seen is None or seen.problem or not seen.status:
        return None
    if served:
        return seen
    own = release_service(read_environment(environment).application.service, release.number)
    same = seen.upstream == own if seen.upstream else seen.version == release.version.sha
    return None if same else seen
