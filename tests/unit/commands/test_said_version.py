"""What a container says of itself, asked by the real scripts; only the engine is a double."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rollout.commands.compose import OTHER_VERSION, says_version_command
from rollout.commands.kept import wait_answers_command

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from rollout.model.command import Command

SHA = "c0ffee" * 6 + "c0ff"
OWN = f'"version": "{SHA}", "status": "healthy"'
DOCKER = """\
#!/bin/sh
case "$1 $3" in
    inspect*Status*) echo 'running 0 healthy 127.0.0.1' ;;
    inspect*) echo 127.0.0.1 ;;
    *) echo id ;;
esac
"""


@contextmanager
def saying(body: str) -> Generator[int]:
    """Answer every request with a body, on a port of its own."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its signature)
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def commands(port: int) -> tuple[Command, Command]:
    """Return both commands that ask a container: of a new one, and of one that was kept."""
    new = says_version_command("trovella", "web-r2", port, "/api/health", "version", SHA)
    kept = wait_answers_command(
        "trovella-web-r2-1", port=port, path="/api/health", key="version", version=SHA,
        healthy="healthy", timeout_s=5,
    )  # fmt: skip
    return new, kept


@pytest.mark.parametrize(
    ("body", "said", "is_other"),
    [
        pytest.param(f"{{{OWN}}}", SHA, False, id="its own"),
        pytest.param(
            f'{{"checks": {{"redis": {{"ok": true, "version": "7.2"}}}}, {OWN}}}',
            SHA,
            False,
            id="a part's stands before its own",
        ),
        pytest.param('{"version": "beef", "status": "healthy"}', "beef", True, id="another's"),
        pytest.param('{"status": "healthy"}', "nothing", False, id="none"),
    ],
)
def test_a_release_is_known_by_its_own_version(
    tmp_path: Path, body: str, said: str, is_other: bool
):
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    with saying(body) as port:
        new, kept = (
            subprocess.run(one.argv, env=environment, capture_output=True, text=True, check=False)
            for one in commands(port)
        )

    assert new.stdout == f"it says {said}\n", new.stderr
    assert (new.returncode, kept.returncode) == ((OTHER_VERSION,) * 2 if is_other else (0, 0))
