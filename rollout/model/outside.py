"""What a public address is like from outside: its certificate, its protocols, its speed."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a health body says of one thing that the application depends on.

    Attributes:
        name: What the body calls it.
        ok: Whether it answers.
        latency_ms: How long that took, in milliseconds; None where the body does not say.
    """

    name: str
    ok: bool
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Tls:
    """What one handshake with the address showed.

    Attributes:
        problem: Why it failed, a certificate that has expired for instance; empty when it did not.
        days_left: For how many days more the certificate holds; None without one.
        protocol: What the server chose of HTTP/2 and HTTP/1.1: `h2` or `http/1.1`; empty when it
            chose neither.
    """

    problem: str = ""
    days_left: float | None = None
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """What one look at the public address showed.

    Attributes:
        url: What was asked.
        status: `status` of the health body; empty when there was none.
        version: The version in the body; empty when it names none.
        upstream: The network name in the header that the rendered proxy adds; empty without it.
        dependencies: What the body says of each thing that the application depends on.
        tls: What the handshake showed; None for an address without TLS.
        offers_http3: Whether the answer's `Alt-Svc` names HTTP/3.
        redirect: Where the address sent us instead of an answer; we do not follow. Empty for none.
        plain: How the same address without TLS answers, `308 to https://...` for instance; empty
            where it was not asked.
        latencies_ms: What each answered request took, in milliseconds, in order.
        lost: Requests that got no answer, or one of 500 and above.
        problem: Why there was no answer at all; empty when there was one.
    """

    url: str
    status: str = ""
    version: str = ""
    upstream: str = ""
    dependencies: tuple[Dependency, ...] = ()
    tls: Tls | None = None
    offers_http3: bool = False
    redirect: str = ""
    plain: str = ""
    latencies_ms: tuple[float, ...] = ()
    lost: int = 0
    problem: str = ""

    @property
    def failing(self) -> frozenset[str]:
        """Return the names of the dependencies that do not answer."""
        return frozenset(one.name for one in self.dependencies if not one.ok)


def percentile_ms(latencies_ms: tuple[float, ...], part: float) -> float | None:
    """Return what this part of the requests took at most, by nearest rank; None without any.

    Example:
        >>> percentile_ms((30.0, 10.0, 20.0, 40.0), 0.5)
        20.0
        >>> percentile_ms((30.0, 10.0, 20.0, 40.0), 0.95)
        40.0
    """
    ordered = sorted(latencies_ms)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None
