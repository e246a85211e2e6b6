"""`python -m infra.prefect.engine`: one flow run in a session of its own.

The worker starts this instead of `prefect.engine`, so that a signal meant for the worker, such as
Ctrl-C in its terminal, never reaches a deploy that is under way.
"""

from __future__ import annotations

import os
import runpy


def main() -> None:
    """Leave the worker's process group, then become Prefect's engine.

    The run's id is in the environment, as Prefect's process worker puts it there.
    """
    os.setsid()
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
