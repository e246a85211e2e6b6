"""`bin/schema corrective RELEASE`: the migration after which that release's code can serve again.

It is drafted from the release's contract and the live schema, planned and linted like any other,
run on a scratch copy of the live schema, and judged there for both codes: the release's and the one
that serves. Nothing is written anywhere: the files are printed, for the folder's own layout with
`--folder`, else for that of Drizzle 1.0. The scratch server is the environment's
`scratch_database`.

The exit status is 0 when the draft may be offered, or nothing is broken; 1 when it is refused.

`--json` prints one object on one line, whose keys stay: `environment`, `release`, `version`,
`offered`, `files` (path to text), `restored` (each with `rule`, `where`, `statements`, `lost`) and
`findings` (each with `rule`, `where`, `consequence`, `help`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks import load_app_database
from deployments.schema_releases import read_stored
from rollout.decide.candidates import contract_of, find_release
from rollout.decide.corrective import not_drafted
from rollout.errors import ConfigInvalid, Refused
from rollout.executors.files import read_environment, read_migrations
from rollout.model.finding import Finding, Go, Refuse
from rollout.render.corrective import corrective_json, render_corrective

if TYPE_CHECKING:
    import argparse

REFUSED = 1


def add_to(commands: argparse._SubParsersAction[Any]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the command."""
    one = commands.add_parser(
        "corrective",
        help="drafts and tries the migration that lets a release's code serve again",
        description=__doc__,
    )
    one.add_argument("release", help="its number, or 7 to 40 digits of its commit")
    one.add_argument("--folder", type=Path, help="the migrations folder that it is to join")
    one.add_argument("--environment", default="production", help="a file in deployments/")
    one.add_argument("--json", action="store_true", help="one JSON object on one line")
    one.set_defaults(run=_corrective)


def _corrective(options: argparse.Namespace) -> int:
    settings = read_environment(options.environment)
    if settings.migrations.by == "command":
        raise Refused("drafting", not_drafted(settings.name).findings)
    server = settings.blocks.scratch_database
    if server is None:
        problem = "names no scratch_database under [blocks], so that no draft can be tried"
        raise ConfigInvalid(f"deployments/{settings.name}.toml", problem)
    folder = read_migrations(options.folder) if options.folder else {}
    stored = read_stored(settings)
    release = find_release(stored, options.release, settings)
    if isinstance(release, Refuse):
        raise Refused("drafting", release.findings)
    contract = contract_of(stored, release.number)
    if isinstance(contract, Finding):
        raise Refused("drafting", (contract,))
    from rollout.executors.corrective import make_corrective  # noqa: PLC0415 - import cost

    live = load_app_database(settings.blocks.app_database).address()
    scratch = load_app_database(server).address()
    made = make_corrective(contract, live, scratch, folder, settings.migrations, _say)
    if options.json:
        print(corrective_json(settings.name, release, made))
    else:
        print(render_corrective(release, made))
    return 0 if isinstance(made.verdict, Go) else REFUSED


def _say(line: str) -> None:
    print(f"schema: {line}", file=sys.stderr)
