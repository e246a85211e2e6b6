"""`bin/schema judge FOLDER`: walks a Drizzle folder, and holds what we say against what happens.

Each migration is run on scratch databases, whoever wrote it. It is judged by its text, by the
relation between the schemas before and after it, and by the statements that Drizzle would send: one
that was accepted before and is refused after is a witness. `docs/schema-judge.md` tells how to read
it. The scratch server is the `scratch_database` of the environment that `--environment` names, else
the one that the environment variable SCHEMA_JUDGE_URL leads to; its user may create databases and
roles. Never name production's.

`--json` prints one object on one line for each step, whose keys stay: `tag`, `statements`,
`unparsed`, `text`, `rules`, `relation`, `weighed`, `reason`, `witness`, `missed`,
`cannot_be_shown`, `refused_in_vain`, `left_out`, `tried`, `seconds`; and at the end one with
`summary`.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from blocks import load_app_database
from deployments.server import demand_address
from rollout.errors import ConfigInvalid
from rollout.executors.files import read_environment, read_migrations
from rollout.migrations.journal import dialect, parse
from rollout.model.command import Secret
from rollout.model.judged_step import JudgedStep, Walk
from rollout.model.target import DatabaseAddress
from rollout.render.judged import render_step, render_walk, step_json, walk_json

if TYPE_CHECKING:
    import argparse

    from rollout.migrations.journal import Migration

VARIABLE = "SCHEMA_JUDGE_URL"
MISSED = 1
INTERRUPTED = 130


def add_to(commands: argparse._SubParsersAction[Any]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the command."""
    judge = commands.add_parser(
        "judge",
        help="walk a migrations folder on scratch databases; 0 when each step was judged rightly",
        description=__doc__,
    )
    judge.add_argument("folder", type=Path, help="a Drizzle migrations folder, of either layout")
    judge.add_argument("--steps", type=int, default=0, help="only the first N; 0 means all")
    judge.add_argument("--environment", default="", help="a file in deployments/")
    judge.add_argument("--json", action="store_true", help="one JSON object a line")
    judge.set_defaults(run=_judge)


def _judge(options: argparse.Namespace) -> int:
    migrations = _read(options.folder)[: options.steps or None]
    server = _server(options.environment)
    from rollout.executors.schema_walk import walk  # noqa: PLC0415 - import cost, as in blocks

    # A worker is ended this way: the databases must go away then too.
    signal.signal(signal.SIGTERM, _ended)
    steps: list[JudgedStep] = []
    try:
        with closing(walk(server, migrations, _say)) as walking:
            for step in walking:
                steps.append(step)
                print(step_json(step) if options.json else render_step(step), flush=True)
    except KeyboardInterrupt:
        _say("ended before the last step; the databases and roles are gone")
        return INTERRUPTED
    walked = Walk(tuple(steps))
    print(walk_json(walked) if options.json else f"\n{render_walk(walked)}")
    return 0 if walked.aims_hold else MISSED


def _read(folder: Path) -> tuple[Migration, ...]:
    files = read_migrations(folder)
    written_for = dialect(files)
    if written_for not in {"", "postgresql"}:
        raise ConfigInvalid(str(folder), f"its migrations are for {written_for}, not PostgreSQL")
    journal = parse(files)
    if not journal.migrations:
        told = "; ".join(f"{one.where}: {one.consequence}" for one in journal.problems)
        raise ConfigInvalid(str(folder), told or "it has no migrations")
    for one in journal.problems:
        _say(f"{one.where}: {one.consequence}")
    return journal.migrations


def _server(environment: str) -> DatabaseAddress:
    if environment:
        block = read_environment(environment).blocks.scratch_database
        if block is None:
            problem = "names no scratch_database under [blocks]"
            raise ConfigInvalid(f"deployments/{environment}.toml", problem)
        demand_address()
        return load_app_database(block).address()
    url = os.environ.get(VARIABLE, "")
    if not url:
        problem = (
            "is not set; it should be the URL of a scratch server, never production's, where no "
            "--environment names one"
        )
        raise ConfigInvalid(VARIABLE, problem)
    return DatabaseAddress(Secret(url))


def _say(line: str) -> None:
    print(f"schema: {line}", file=sys.stderr)


def _ended(*_: object) -> NoReturn:
    raise KeyboardInterrupt
