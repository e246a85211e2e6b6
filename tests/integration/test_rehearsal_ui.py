"""The port of a rehearsal's UI: the one asked for, unless another world has it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from infra.rehearsal import pipeline
from infra.rehearsal.paths import Rehearsal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Rehearsal:
    made = Rehearsal("world", tmp_path)
    made.state.mkdir(parents=True)
    return made


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a port that is free, and ask for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    monkeypatch.setenv("REHEARSAL_UI", f"127.0.0.1:{free}")
    return free


def test_the_port_that_was_asked_for_is_kept_while_the_ui_listens(world: Rehearsal, port: int):
    assert pipeline.ui_port(world) == port
    with socket.create_server(("127.0.0.1", port)):
        assert pipeline.ui_port(world) == port


def test_a_second_world_gets_another_port_and_keeps_it(world: Rehearsal, port: int):
    with socket.create_server(("127.0.0.1", port)):
        given = pipeline.ui_port(world)
    assert given != port
    assert pipeline.ui_port(world) == given
