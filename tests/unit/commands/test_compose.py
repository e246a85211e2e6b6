"""Every command about containers, as it is typed on the host."""

from __future__ import annotations

import pytest

from rollout.commands import compose
from rollout.model.command import Command, Secret
from tests.support.values import LAYOUT, LOGIN, image

WEB = image("a").reference
RELEASE_12 = (
    "docker compose --project-name trovella --project-directory /opt/trovella "
    "--file /opt/trovella/releases/12/docker-compose.prod.yml "
    "--env-file /opt/trovella/releases/12/.env"
)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            compose.up_command(LAYOUT, "trovella", 12, "web-r12"),
            f"{RELEASE_12} up --detach --quiet-pull web-r12",
        ),
        (
            compose.remove_service_command(LAYOUT, "trovella", 12, "web-r12"),
            f"{RELEASE_12} rm --stop --force web-r12",
        ),
        (
            compose.validate_caddyfile_command(LAYOUT, "trovella", 12, "caddy"),
            f"{RELEASE_12} run --rm --no-deps --no-TTY --quiet-pull caddy "
            "caddy validate --adapter caddyfile --config /etc/caddy/Caddyfile.next",
        ),
        (
            compose.up_published_command(LAYOUT, "trovella", "caddy"),
            "docker compose --project-name trovella --project-directory /opt/trovella "
            "--file /opt/trovella/docker-compose.prod.yml up --detach caddy",
        ),
        (
            compose.reload_caddy_command("trovella-caddy-1", "Caddyfile.next"),
            "docker exec trovella-caddy-1 caddy reload --adapter caddyfile "
            "--config /etc/caddy/Caddyfile.next",
        ),
        (compose.stop_command("trovella-web-r11-1"), "docker stop trovella-web-r11-1"),
        (
            compose.remove_containers_command(["trovella-web-r3-1", "trovella-web-1"]),
            "docker rm trovella-web-r3-1 trovella-web-1",
        ),
        (compose.remove_images_command([WEB]), f"docker image rm {WEB}"),
    ],
)
def test_a_command_is_this_line(command: Command, line: str):
    assert command.shell() == line


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            compose.pull_command(WEB, LOGIN),
            "sh -euc '# pull an image, logged in for this once ...' sh "
            f"{WEB} us-central1-docker.pkg.dev oauth2accesstoken",
        ),
        (
            compose.pull_command(WEB, None),
            f"sh -euc '# pull an image, logged in for this once ...' sh {WEB} '' ''",
        ),
        (
            compose.up_others_command(LAYOUT, "trovella", 12, "caddy", "web-r12"),
            "sh -euc '# start the other services, where their definition changed ...' "
            f"sh caddy web-r12 {RELEASE_12}",
        ),
        (
            compose.wait_healthy_command("trovella", "web-r12", 59.5),
            "sh -euc '# wait until a container is healthy ...' sh trovella web-r12 60 "
            "'{{.State.Status}} {{.RestartCount}} "
            "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}'",
        ),
        (
            compose.image_is_command("trovella", "web-r12", WEB),
            "sh -euc '# compare what a container runs with an image ...' sh "
            f"trovella web-r12 {WEB}",
        ),
        (
            compose.container_evidence_command("trovella", "web-r12", 3000, "/api/health"),
            "bash -uc '# show a container'\"'\"'s state, its last lines, and how its health path "
            "answers ...' bash trovella web-r12 50 3000 /api/health",
        ),
        (
            compose.says_version_command("trovella", "web-r12", 3000, "/health", "version", "c0"),
            "bash -uc '# compare the version that a container says with the release'\"'\"'s ...' "
            "bash trovella web-r12 3000 /health version c0",
        ),
        (
            compose.drain_command("trovella-web-r11-1", 3000, 30),
            "sh -euc '# wait until a container has no connection left on its port ...' sh "
            "trovella-web-r11-1 3000 30",
        ),
    ],
)
def test_a_script_is_shown_as_this_line(command: Command, line: str):
    assert command.display() == line


def test_the_token_travels_on_standard_input_alone():
    command = compose.pull_command(WEB, LOGIN)

    assert command.stdin == Secret("token")
    assert "token " not in f"{command.shell()} ".replace("oauth2accesstoken", "")


def test_a_wait_outlives_its_bound_on_the_host():
    assert compose.wait_healthy_command("trovella", "web-r12", 90).timeout_s == 105
    assert compose.drain_command("trovella-web-r11-1", 3000, 30).timeout_s == 45


def test_every_reserved_status_says_what_it_means():
    assert compose.wait_healthy_command("trovella", "web-r12", 90).meanings == {
        82: "web-r12 stopped",
        83: "web-r12 is unhealthy",
        84: "web-r12 did not become healthy within 90 s",
        85: "web-r12 has no health check",
        86: "there is no container of web-r12",
    }
    assert compose.pull_command(WEB, LOGIN).meanings == {
        80: "us-central1-docker.pkg.dev refused the login",
        81: f"{WEB} could not be pulled",
    }
