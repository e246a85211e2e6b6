"""`python -m deployments.settings`: write `docs/settings.md` anew from the classes that read files.

A test compares the page with what this writes, so it is run after each change of a setting.
"""

from __future__ import annotations

from pathlib import Path

from deployments.facts import BlockFacts
from rollout.config import Environment
from rollout.render.settings import render_tables

PAGE = Path(__file__).resolve().parent.parent / "docs/settings.md"

_BEGIN = """# Every setting

Written by `python -m deployments.settings`; a test holds it equal to the code. What is **needed**
must stand in the file; what else it leaves out has its default. An unknown key, a missing one and
a value that does not fit are told in one sentence with their path, and nothing is changed. Where a
type has a pattern, the text must match it.

## `deployments/<environment>.toml`

The file of one environment, and all that differs between two of them;
[environment.md](environment.md) says how to add one. Secrets never stand in it.
"""

_BETWEEN = """## The blocks' file

What the Prefect blocks are made of: a file of the operator's own, outside the repository, given
with `--blocks` to `python -m deployments.register`, and to `bin/rollback` where Prefect is down.
It names files that hold keys and holds no secret itself. The blocks may be made by hand in the UI
instead; their forms ask for the same. What server and worker are started with stands, with its
reasons, in [infra/prefect/prefect.env](../infra/prefect/prefect.env).
"""


def page() -> str:
    """Return the whole page."""
    environment, blocks = render_tables(Environment), render_tables(BlockFacts)
    return "\n".join((_BEGIN, f"{environment}\n", _BETWEEN, f"{blocks}\n"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
