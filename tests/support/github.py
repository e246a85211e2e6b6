"""GitHub as tests see it: the rehearsed world's own, or one over a test's own repository."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.rehearsal import github as server
from infra.rehearsal.documents import changing
from infra.rehearsal.facts import GITHUB_TOKEN
from infra.rehearsal.github_rules import REPOSITORY, fresh, stage
from infra.rehearsal.google import stored
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass(frozen=True, slots=True)
class StandIn:
    """The repository as GitHub has it.

    Attributes:
        folder: The bare repository.
        store: The file of what GitHub knows beside it.
        url: Where it answers.
    """

    folder: Path
    store: Path
    url: str = ""

    @property
    def remote(self) -> str:
        """Return the repository's address for git."""
        return f"{self.url}/{REPOSITORY}.git"

    @property
    def token(self) -> str:
        """Return what proves a caller."""
        return self._known()["token"]

    @property
    def pulls(self) -> list[dict[str, Any]]:
        """Return the pull requests, as the API shows them."""
        return self._known()["pulls"]

    @property
    def deployments(self) -> list[dict[str, Any]]:
        """Return the deployments, as the API shows them, each with its `statuses`."""
        return self._known()["deployments"]

    @property
    def asked(self) -> list[str]:
        """Return method and path of each request, in order."""
        return self._known()["asked"]

    def change(self, **known: Any) -> None:
        """Let GitHub know other things from now on; `github_rules.fresh` says which there are."""
        with changing(self.store) as document:
            document.update(known)

    def branches(self) -> tuple[str, ...]:
        """Return the repository's branches."""
        return server.branches(self.folder)

    def git(self, *words: str) -> str:
        """Run git in the repository and return what it wrote."""
        return server.git(self.folder, *words)

    def stage(self, deployment: dict[str, Any]) -> str:
        """Return how far a deployment is; empty before anybody said so."""
        return stage(deployment)

    def merge(self, pull: dict[str, Any]) -> str:
        """Merge a pull request as the button does with a fast forward; return the commit."""
        commit = self.git("rev-parse", pull["head"]["ref"])
        self.git("update-ref", f"refs/heads/{pull['base']['ref']}", commit)
        self.close(pull, merged_at="2026-11-25T00:00:00Z")
        return commit

    def close(self, pull: dict[str, Any], merged_at: str | None = None) -> None:
        """Close a pull request, by default without merging it."""
        with changing(self.store) as document:
            document["pulls"][pull["number"] - 1].update(state="closed", merged_at=merged_at)

    def _known(self) -> dict[str, Any]:
        return json.loads(self.store.read_text())


def world_github() -> StandIn:
    """Return GitHub as the runs of the rehearsed world find it; other tests have used it before."""
    return StandIn(Path(facts()["app_repository"]), Path(facts()["github_store"]))


@contextmanager
def github(repository: Path, store: Path, token: str) -> Generator[StandIn]:
    """Yield a GitHub of a test's own, at any free port.

    Args:
        repository: The repository that it has.
        store: A file that it may make.
        token: What proves a caller.
    """
    store.write_text(json.dumps(fresh(token)))
    with server.server(repository, store, ("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield StandIn(repository, store, f"http://127.0.0.1:{listening.server_port}")
        finally:
            listening.shutdown()
            thread.join()


def new_token(token: str) -> None:
    """Give the pipeline's secret another version: the token that it shows GitHub from now on."""
    with stored(Path(facts()["google_store"])) as store:
        store.add(f"projects/{facts()['secrets_project']}/secrets/{GITHUB_TOKEN}", token)
