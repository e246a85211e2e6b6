"""How long a real host took for each kind of command, as the worker saw it, in seconds.

Steps of a plan are without a round trip, because a plan is one program on the host; everything
else is with the one that it costs.
"""

from __future__ import annotations

CONNECT_S = 0.117
"""An SSH session, its key checked."""
LEASE_S = 0.062
"""Until the host says that the lease is held."""
ANSWER_S = 0.004
"""The application's answer to a request for its health."""
TOKEN_S = 0.15
"""Google's answer to a request for a token; what the worker computes for it is not simulated."""

COMMANDS_S = {
    "read the machine": 0.1,
    "read what the application has here": 0.1,
    "read the files of a release": 0.03,
    "read the logs of before and after an activation": 0.2,
    "append to the ledger": 0.02,
    "put a release's folder in its place": 0.05,
    "pull an image, logged in for this once": 1.0,
    "docker compose up": 0.6,
    "wait until a container is healthy": 1.0,
    "compare what a container runs with an image": 0.05,
    "compare the version that a container says with the release's": 0.05,
    "send requests to another release": 0.01,
    "give a release's files the names that people know": 0.02,
    "wait until a container has no connection left on its port": 0.1,
    "docker stop": 0.3,
    "true": 0.02,
}
"""First line of a command's script, or the words of a program, to what it took."""
