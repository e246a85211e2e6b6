"""What a host is told about a container that was kept."""

from __future__ import annotations

from rollout.commands.kept import wait_answers_command

COMMAND = wait_answers_command(
    "trovella-web-r12-1",
    port=3000,
    path="/api/health",
    key="version",
    version="c0",
    healthy="healthy",
    timeout_s=59.5,
)


def test_a_kept_container_is_asked_at_its_own_port():
    assert COMMAND.argv[:2] == ("bash", "-uc")
    assert COMMAND.argv[3:11] == (
        *("bash", "trovella-web-r12-1", "3000", "/api/health"),
        *("version", "c0", "healthy", "60"),
    )
    assert (COMMAND.timeout_s, COMMAND.changes) == (75, False)


def test_every_reserved_status_says_what_it_means():
    assert COMMAND.meanings == {
        82: "trovella-web-r12-1 stopped",
        83: "trovella-web-r12-1 is unhealthy",
        84: "trovella-web-r12-1 did not become healthy within 60 s",
        85: "trovella-web-r12-1 has no health check",
        86: "there is no container trovella-web-r12-1",
        89: "trovella-web-r12-1 does not say that it is c0",
    }
