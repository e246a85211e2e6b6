"""How long a real host took for each kind of command, in seconds: the median of six activations.

Measured on the rehearsal's VM on 2026-11-26 over SSH, by the worker's clock, while other work kept
the machine at a load of 8; a step of a plan by the host's own clock, because a plan is one program
there and costs one round trip. `docs/performance.md` has what quiet cores take.
"""

from __future__ import annotations

CONNECT_S = 0.130
"""An SSH session, its key checked."""
LEASE_S = 0.132
"""Until the host says that the lease is held."""
ANSWER_S = 0.022
"""The application's answer to a request for its health, through the proxy and TLS."""
TOKEN_S = 0.147
"""A token for the registry, from the worker's request to Google's stand-in to its answer."""

COMMANDS_S = {
    "read the machine": 0.468,
    "read what the application has here": 0.211,
    "read the files of a release": 0.040,
    "read the logs of before and after an activation": 0.996,
    "append to the ledger": 0.009,
    "put a release's folder in its place": 0.084,
    "pull an image, logged in for this once": 0.450,
    "docker compose up": 0.942,
    "wait until a container is healthy": 2.140,
    "compare what a container runs with an image": 0.209,
    "compare the version that a container says with the release's": 0.154,
    "send requests to another release": 0.019,
    "give a release's files the names that people know": 0.037,
    "wait until a container has no connection left on its port": 0.591,
    "docker stop": 0.211,
    "true": 0.041,
}
"""First line of a command's script, or the words of a program, to what it took."""
