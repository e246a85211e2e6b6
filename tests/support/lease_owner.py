"""An owner of a lease in a process of its own, so that it can be killed and paused.

`python -m tests.support.lease_owner HOST HOST_KEY KEY_FILE OWNER`: says `held` once it holds the
lease, then runs each line of its input as a changing command and says what came of it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

from rollout.errors import RolloutError
from rollout.executors.host import Host
from rollout.executors.lease import hold_lease
from rollout.model.command import Command, Secret, script
from rollout.model.layout import Layout
from rollout.model.lease import Claim
from rollout.model.target import HostAddress


def main(host: str, host_key: str, key: str, owner: str) -> None:
    """Hold the lease and obey."""
    address = HostAddress(host, "deploy", Secret(Path(key).read_text()), host_key)
    claim = Claim(uuid4().hex, owner, "a test")
    with Host(address) as one, hold_lease(one, Layout("/opt/trovella"), claim, wait_s=20):
        print("held", flush=True)
        for line in sys.stdin:
            try:
                result = one.run(Command(script(line)))
                print(f"exit {result.exit_code}", flush=True)
            except RolloutError as error:
                print(type(error).__name__, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
