"""`python -m infra.prefect.engine`: one flow run in a session of its own.

The worker starts this instead of `prefect.engine`, so that a signal meant for the worker, such as
Ctrl-C in its terminal, never reaches a deploy that is under way.

Prefect's engine asks a run that has ended for its result, too. Nobody takes that here, and of a run
that gave way, or failed with everything said, it is an exception: a traceback as the log's last
word, below the state that says what happened. So it is asked for the state alone.

Source: `run_flow` in `prefect/flow_engine.py`, which `prefect/engine.py` imports when it is run;
Prefect 3.8.8, read 2026-11-26. `tests/orchestration/test_cancel.py` fails when that changes.
"""

from __future__ import annotations

import os
import runpy
import warnings
from functools import partial
from importlib import import_module
from typing import Any


def main() -> None:
    """Leave the worker's process group, then become Prefect's engine.

    The run's id is in the environment, as Prefect's process worker puts it there. The exit status
    says whether the run's end was reported, not how it ended: the state does that.
    """
    os.setsid()
    # Imported only in the new session: it takes a second, in which Ctrl-C must not reach it either.
    flows: Any = import_module("prefect.flow_engine")
    flows.run_flow = partial(flows.run_flow, return_type="state")
    # It has imported the module that is run now, which keeps nothing between the two times.
    warnings.filterwarnings("ignore", "'prefect.engine' found in sys.modules", RuntimeWarning)
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
