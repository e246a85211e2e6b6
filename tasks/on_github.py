"""What GitHub shows of a run: a deployment on the commit, and how far it is.

All of it is said beside the run, and nothing of it is waited for but the last word, for a few
seconds. A token that is missing or a GitHub that does not answer is one line in the log.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run

from blocks import load_gcp_project
from rollout.errors import CancelAsked, RolloutError, Superseded
from rollout.executors.files import read_environment
from rollout.executors.github import GitHub
from rollout.executors.github_deployments import announce
from rollout.model.announcement import Announcement

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import Environment
    from rollout.github import GitHub as Address
    from rollout.model.announcement import Outcome, Stage
    from rollout.model.release import Version

REQUEST_S = 3.0
"""How long GitHub may take for one answer, in seconds."""
LAST_WORD_S = 8.0
"""How long the end of a run waits for GitHub, in seconds."""

_TOLD: ContextVar[_Telling | None] = ContextVar("told on GitHub", default=None)


@contextmanager
def shown_on_github(environment: str, what: str) -> Generator[None]:
    """Let GitHub show how the block ends, once `begin_on_github` has named its commit.

    Args:
        environment: The environment; nothing is said where its file does not ask for it.
        what: What the run does, such as `deploy`.

    Raises:
        ConfigInvalid: When there is no such environment.
    """
    settings = read_environment(environment)
    github = settings.github
    if github is None or not github.deployments:
        yield
        return
    telling = _Telling(settings, github, what)
    token = _TOLD.set(telling)
    try:
        yield
    except (Superseded, CancelAsked, TerminationSignal):
        telling.end("inactive")
        raise
    except Exception:
        telling.end("failure")
        raise
    else:
        telling.end("success")
    finally:
        _TOLD.reset(token)


def begin_on_github(version: Version) -> None:
    """Let GitHub show that a commit is being deployed; returns at once.

    Args:
        version: The commit.
    """
    telling = _TOLD.get()
    if telling is not None:
        telling.begin(version)


class _Telling:
    """Says to GitHub what one run tells it, from a thread of its own."""

    def __init__(self, settings: Environment, github: Address, what: str) -> None:
        self._settings = settings
        self._github = github
        self._what = what
        self._log = get_run_logger()
        self._run = (str(flow_run.id), flow_run.ui_url or "")
        self._stages: SimpleQueue[Stage | None] = SimpleQueue()
        self._announced: Announcement | None = None
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._tell,), name="GitHub", daemon=True
        )
        self._warned = False

    def begin(self, version: Version) -> None:
        if self._announced is not None:
            return
        run_id, run_url = self._run
        self._announced = Announcement(
            sha=version.sha,
            environment=self._settings.name,
            run_id=run_id,
            run_url=run_url,
            url=self._settings.verify.url,
            what=self._what,
        )
        self._stages.put("in_progress")
        self._thread.start()

    def end(self, outcome: Outcome) -> None:
        """Say the last word; a commit that was never named is left out."""
        if self._announced is None:
            return
        self._stages.put(outcome)
        self._stages.put(None)
        self._thread.join(LAST_WORD_S)
        if self._thread.is_alive():
            self._warn(f"it did not answer within {LAST_WORD_S:g} s")

    def _tell(self) -> None:
        while (stage := self._stages.get()) is not None:
            try:
                self._say(stage)
            except RolloutError as error:
                self._warn(" ".join(error.true.split()))
            # Nobody waits for this thread's errors, and GitHub is worth no deploy: whatever else
            # goes wrong, in Prefect's client for the block for instance, is told as well.
            except Exception as error:  # noqa: BLE001 - see above
                self._warn(type(error).__name__)

    def _say(self, stage: Stage) -> None:
        github, announced = self._github, self._announced
        if announced is None:
            return
        project = load_gcp_project(self._settings.blocks.gcp_project)
        token = project.secret_store().read((github.token,))[github.token].value
        api = GitHub(github.api_url, github.repository, token, REQUEST_S)
        number = announce(api, announced, stage)
        self._log.info("GitHub: deployment %d is %s", number, stage)

    def _warn(self, why: str) -> None:
        """Tell it once: the end of a run meets the same trouble as its beginning."""
        if not self._warned:
            self._log.warning("GitHub does not show this run, which goes on: %s", why)
        self._warned = True
