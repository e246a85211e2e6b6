"""What a run shows of a failure where the secrets to hide in it cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tasks.diagnose
from rollout.errors import SecretStoreUnavailable
from rollout.executors.files import read_environment
from rollout.model.seen import Evidence, HostSeen

if TYPE_CHECKING:
    from typing import NoReturn

    import pytest

SETTINGS = read_environment("rehearsal")
AWAY = SecretStoreUnavailable("Secret Manager does not answer", next_step="Wait.")


def _away(*_words: object) -> NoReturn:
    raise AWAY


def test_nobody_has_written_what_no_host_was_looked_at_for():
    assert tasks.diagnose._secrets(AWAY, SETTINGS, None, Evidence()) == ((), frozenset())


def test_logs_of_a_host_are_left_out_where_their_secrets_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
):
    warned: list[str] = []
    log = type("Log", (), {"warning": lambda _, text, *words: warned.append(text % words)})()
    monkeypatch.setattr(tasks.diagnose, "get_run_logger", lambda: log)
    monkeypatch.setattr(tasks.diagnose, "read_secrets", _away)
    seen = Evidence(host=HostSeen(engine="26"))

    assert tasks.diagnose._secrets(AWAY, SETTINGS, None, seen) is None
    assert warned == ["the logs are left out of the evidence: Secret Manager does not answer"]
