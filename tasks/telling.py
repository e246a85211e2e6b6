"""What a run's log says of an error: its message once, without the path through our code.

An error of the domain says what is true, what was left and what to do next; a traceback beside it,
four times over, hides that from somebody who reads at night. Any other error keeps its traceback.
"""

from __future__ import annotations

import logging

from rollout.errors import RolloutError

_RUNS = ("prefect.flow_runs", "prefect.task_runs")
_REPEATS = "prefect.engine"
"""Says once more, at the process's end, what the run's own log has said."""


class WithoutTraceback(logging.Filter):
    """Shortens records about errors of the domain to their message, or drops them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is shown; one about an error of ours is changed in place."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, RolloutError):
            return True
        record.msg, record.args = "%s: %s", (type(error).__name__, error)
        record.exc_info = None
        return record.name != _REPEATS


def tell_errors_once() -> None:
    """Let Prefect's run logs show errors of the domain without a traceback; safe to repeat."""
    for name in (*_RUNS, _REPEATS):
        logger = logging.getLogger(name)
        if not any(isinstance(one, WithoutTraceback) for one in logger.filters):
            logger.addFilter(WithoutTraceback())
