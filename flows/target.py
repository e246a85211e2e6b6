"""A target as flows change it: its first host, and then the others, if it has more than one.

The first host is the canary: the release is proved there, at the host itself, before any other is
touched. Then batch after batch gets it, and at last the public address is asked. For a target of
one host all that is the one look at the public address.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rollout.decide.defects import telling_defects
from rollout.decide.hosts import nowhere_to_go, on_canary, returned_all
from rollout.errors import RolloutError
from tasks.activate import return_to_former
from tasks.hosts import (
    batches,
    demand_everywhere,
    deploy_batch,
    return_hosts,
    show_hosts,
    verify_hosts,
)
from tasks.on_host import at_first, first_block, folder_of
from tasks.verify import current_release, verify_release

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.model.activation import Activation, Return
    from rollout.model.hosts import HostResult
    from rollout.model.release import Release


class Target:
    """The hosts of an environment in one run, and what came of a release on each of them.

    Args:
        environment: The environment.
        at_once: Whether the further hosts are one batch: for a release that has served before.
    """

    def __init__(self, environment: str, *, at_once: bool = False) -> None:
        self._environment = environment
        self._batches = batches(environment, at_once=at_once)
        self._activation: Activation | None = None
        self._results: tuple[HostResult, ...] = ()

    @contextmanager
    def turn_of_first(self) -> Generator[None]:
        """Let an error of the first host's turn say which host of several it is about.

        What it says of what serves is true of that host alone.

        Raises:
            RolloutError: The same error; for a target of one host as it is.
        """
        try:
            yield
        except RolloutError as error:
            if not self._batches:
                raise
            raise on_canary(error, first_block(self._environment)) from error

    def verify(self, activation: Activation) -> str:
        """Return a sentence that says what serves, once every host that is reached has it.

        Requests that were cut off, because they outlasted what the environment lets them, are told.

        Args:
            activation: What was made to serve on the first host.

        Raises:
            VerificationFailed: When it was not seen serving on a host, or at the public address.
            RolloutError: When something could not be looked at, or a step failed on a host; a
                defect of our own is one too, for nobody has seen the release serve then.
        """
        self._activation = activation
        with telling_defects():
            if self._batches:
                with at_first(self._environment):
                    verify_release(activation.release, self._environment, served=activation.served)
                self.spread(activation.release, activation.leaves)
            release, served = activation.release, activation.served
            seen = verify_release(release, self._environment, served=served)
            return "; ".join(filter(None, (seen, activation.cut_off)))

    def spread(self, release: Release, leaves: int | None = None) -> tuple[HostResult, ...]:
        """Return what came of a release on the further hosts, once each batch has got it.

        Args:
            release: What serves on the first host.
            leaves: The number of the release that a rollback leaves for it; None where none is.

        Raises:
            RolloutError: When a host refuses it, and that takes every host back.
        """
        with folder_of(release, self._environment):
            for batch in self._batches:
                results, refusal = deploy_batch(batch, release, self._environment, leaves)
                self._results += results
                if refusal is not None:
                    raise refusal
        return self._results

    def return_to_former(self, activation: Activation) -> Return:
        """Let the release from before serve again wherever this one does, and return what does.

        The further hosts follow the first: where that keeps the release, because it was well there
        before this run or the schema lets no earlier code serve, they keep it too.

        Args:
            activation: What was made to serve on the first host.
        """
        if self._results and activation.former is None:
            return self._gone_back(activation, nowhere_to_go(activation.release))
        done = return_to_former(activation, self._environment).after(activation)
        if done.serves:
            self._results = return_hosts(self._results, activation.release, self._environment)
        return self._gone_back(activation, done)

    def _gone_back(self, activation: Activation, done: Return) -> Return:
        if not self._batches:
            return done
        outcome = "returned" if done.serves else "kept"
        show_hosts(activation, self._results, self._environment, outcome)
        return returned_all(done, self._results)

    def demand_whole(self) -> None:
        """See to it that a release that was verified serves on every host.

        Raises:
            HostsBehind: When a host could not be brought to it.
        """
        if self._batches and self._activation:
            show_hosts(self._activation, self._results, self._environment)
            demand_everywhere(self._activation.release, self._results, self._environment)

    def demand_same(self) -> None:
        """See to it that every further host serves what the first one does; for one, nothing.

        Raises:
            HostsBehind: When one does not.
            RolloutError: When something could not be looked at.
        """
        if self._batches:
            release = current_release(self._environment)
            results = verify_hosts(release, self._environment)
            demand_everywhere(release, results, self._environment)

    def look(self, release: Release) -> str:
        """Return a sentence that says what serves on every host; nothing is changed.

        Args:
            release: What the first host calls its current one.

        Raises:
            VerificationFailed: When it is not seen serving by the first host or the public address.
            HostsBehind: When a further host does not serve it.
            RolloutError: When something could not be looked at.
        """
        if not self._batches:
            return verify_release(release, self._environment)
        with at_first(self._environment):
            verify_release(release, self._environment)
        results = verify_hosts(release, self._environment)
        told = verify_release(release, self._environment)
        demand_everywhere(release, results, self._environment)
        return told
