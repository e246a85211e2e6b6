"""`bin/rollback [TO] --reason WHY`: the flow rollback, run here, also while Prefect is down.

Where the server answers, the run is one of its runs like any other, started without a worker. Where
it does not, Prefect starts a server of its own for this one run, in memory of this machine; the
blocks come from the file that they were registered from (`--blocks`, or TROVELLA_BLOCKS). The lease
on the host holds in both cases: what is decided and done is the same.

The last line on standard output says what serves. The exit status is 0 only when what was asked for
was done.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import httpx
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from deployments.documents import KINDS, save_blocks
from deployments.facts import BlockFacts, read_facts, read_world
from deployments.here import demand_linux
from deployments.server import UNANSWERED, unanswered
from rollout.errors import ConfigInvalid, RolloutError
from rollout.executors.files import read_environment
from rollout.model.activation import Secrets, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "TROVELLA_BLOCKS"
OWN_SERVER = "TROVELLA_OWN_SERVER"
"""Set in the process that runs with a server of its own; its value is that server's folder."""
ANSWERS_WITHIN_S = 3.0
STARTS_WITHIN_S = "120"
_OTHER_SERVER = ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_UI_URL")
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder for one owner is made in it


def read_words(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what was asked for; a bad word ends the program with a usage message."""
    parser = argparse.ArgumentParser(prog="bin/rollback", description=__doc__)
    parser.add_argument(
        "to",
        nargs="?",
        default="",
        help="number or commit; default: the last good one before, of another version",
    )
    parser.add_argument("--reason", required=True, help="why; the next deploy of it meets this")
    parser.add_argument("--environment", default="production", help="a file in deployments/")
    parser.add_argument("--actor", default=getpass.getuser(), help="who (default: %(default)s)")
    parser.add_argument(
        "--strategy",
        choices=get_args(Strategy),
        default="auto",
        help="revert and corrective open a pull request (default: %(default)s)",
    )
    parser.add_argument("--secrets", choices=get_args(Secrets), default="recorded")
    parser.add_argument("--accept", action="append", default=[], metavar="RULE")
    parser.add_argument("--hold", action="store_true", help="keep deploys back afterwards")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.add_argument("--blocks", type=Path, help="what the blocks are made of, without a server")
    parser.add_argument(
        "--without-server", action="store_true", help="do not ask whether Prefect's server answers"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll back; 0 when what was asked for was done."""
    asked = read_words(arguments)
    folder = os.environ.get(OWN_SERVER, "")
    try:
        demand_linux()
        if folder:
            asyncio.run(_save_blocks(asked))
        elif asked.without_server or not server_answers():
            _facts(asked)  # before a server is started for nothing
            _with_a_server_of_its_own(list(sys.argv[1:] if arguments is None else arguments))
        return _roll_back(asked)
    except UNANSWERED as error:
        print(f"rollback: {unanswered(error)}", file=sys.stderr)
        return 1
    except RolloutError as error:
        print(f"rollback: {error}", file=sys.stderr)
        return 1
    finally:
        if folder:
            # The blocks' secrets lie in it.
            shutil.rmtree(folder, ignore_errors=True)


def server_answers() -> bool:
    """Return whether Prefect's server can be asked; False where nobody said where it is.

    One whose database is away cannot: it says that it is not ready. Prefect Cloud does not know
    the question.
    """
    url = get_current_settings().api.url
    if not url:
        return False
    try:
        with httpx.Client(base_url=url, timeout=ANSWERS_WITHIN_S) as client:
            client.get("health").raise_for_status()
            ready = client.get("ready")
            if ready.is_server_error:
                ready.raise_for_status()
    except httpx.HTTPError as error:
        told = f"Prefect's server at {url} does not answer: {str(error).partition(chr(10))[0]}"
        print(f"{told}; this run brings one of its own", file=sys.stderr)
        return False
    return True


def _with_a_server_of_its_own(arguments: list[str]) -> None:
    """Begin this program anew with the settings of a server that lasts as long as it."""
    folder = tempfile.mkdtemp(prefix="rollback-", dir=_MEMORY if _MEMORY.is_dir() else None)
    environment = {
        # What leads to the other server; its pages too.
        **{name: text for name, text in os.environ.items() if name not in _OTHER_SERVER},
        OWN_SERVER: folder,
        "PREFECT_HOME": folder,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": STARTS_WITHIN_S,
        "PREFECT_SERVER_UI_ENABLED": "false",
    }
    words = [sys.executable, "-m", "deployments.rollback", *arguments]
    os.execve(sys.executable, words, environment)  # noqa: S606 - this very program


async def _save_blocks(asked: argparse.Namespace) -> None:
    async with get_client() as client:
        for kind in KINDS:
            await kind.aregister_type_and_schema(client=client)
        settings = read_environment(asked.environment)
        further = settings.hosts.further
        await save_blocks(settings.blocks, further, _facts(asked), replace=True, client=client)


def _facts(asked: argparse.Namespace) -> BlockFacts:
    """Return what the blocks are made of.

    Raises:
        ConfigInvalid: When nobody said where that is written, or the file does not fit.
    """
    world = os.environ.get("REHEARSAL_WORLD", "")
    file = asked.blocks or os.environ.get(BLOCKS, "")
    if file:
        return read_facts(Path(file))
    if asked.environment == "rehearsal" and world:
        return read_world(Path(world))
    raise ConfigInvalid(
        "--blocks",
        f"should name the file of the blocks, or {BLOCKS} should, because no server of Prefect's "
        "is asked; where there is one, PREFECT_API_URL should be its address (docs/recover.md)",
    )


def _roll_back(asked: argparse.Namespace) -> int:
    # Prefect reads its settings, and what the flow needs, when it is imported.
    from flows.rollback import rollback  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Those of its deployment, by which somebody is told of the run and `bin/doctor` finds it.
    with tags(asked.environment, rollback.name):
        state = rollback(
            asked.reason,
            asked.environment,
            to=asked.to,
            strategy=asked.strategy,
            secrets=asked.secrets,
            actor=asked.actor,
            accept=tuple(asked.accept),
            hold=asked.hold,
            dry_run=asked.dry_run,
            return_state=True,
        )
    if state.is_completed():
        print(state.message, flush=True)
        return 0
    error = state.result(raise_on_failure=False)
    print(
        f"rollback: {error if isinstance(error, RolloutError) else state.message}", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
