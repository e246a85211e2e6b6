"""Which task an error comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def failed_phase(error: BaseException) -> str:
    """Return the name of the task in which an error, or the one behind it, was raised.

    Its own traceback says that, so no server has to be asked; empty when it comes from none.
    """
    chain: BaseException | None = error
    while chain is not None:
        for frame in _frames(chain):
            one: object = frame.f_globals.get(frame.f_code.co_name)
            if isinstance(one, Task):
                return str(one.name)
        chain = chain.__cause__
    return ""


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
