"""How a flow ends by an error: some ends have a name of their own, so that they are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.states import Cancelled, Failed

from rollout.errors import ROLLED_BACK, CancelAsked, RolloutError, Superseded

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from rollout.model.activation import Return


def ended(error: RolloutError) -> State[None]:
    """Return the state with the name that an error gives it: one that gave way has not failed.

    A failed state carries the error, so whoever calls the flow gets it as if it had been raised.

    Args:
        error: What a flow ends by.

    Raises:
        RolloutError: The error itself when its end has no name of its own.
    """
    if isinstance(error, Superseded):
        return Cancelled(name="Superseded", message=str(error))
    if isinstance(error, CancelAsked):
        return Cancelled(message=str(error))
    if not error.ends:
        raise error
    return Failed(name=error.ends, message=str(error), data=error)


def taken_back(failure: RolloutError, done: Return) -> RolloutError:
    """Return why a release was left, with what serves now; `RolledBack` when the former one does.

    Args:
        failure: Why.
        done: What came of going back.
    """
    return failure.leaving(done.told, ends=ROLLED_BACK if done.serves else "")
