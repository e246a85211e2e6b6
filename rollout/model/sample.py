"""One look at the public address while a release is switched."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.release import SHORT_LENGTH

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one request.

    Attributes:
        at_s: When it was sent, in seconds since the watching began.
        latency_s: How long it took, in seconds, also where nothing answered.
        http_status: The answer's status code; None when there was no answer.
        status: `status` in the body; empty when it had none.
        version: The version in the body; empty when it names none.
        upstream: The network name in the proxy's header; empty without it.
    """

    at_s: float
    latency_s: float
    http_status: int | None = None
    status: str = ""
    version: str = ""
    upstream: str = ""

    @property
    def lost(self) -> bool:
        """Return whether a user would have seen an error: no answer, or the server's own error."""
        return self.http_status is None or self.http_status >= _SERVER_ERROR

    @property
    def who(self) -> str:
        """Return who answered, for people: `web-r2 a6ed10149538`; empty when nobody said."""
        told = " ".join(filter(None, (self.upstream, self.version[:SHORT_LENGTH])))
        return "".join(letter for letter in told if letter.isprintable())
