"""The compose file that runs, from the wiki's own."""

from __future__ import annotations

import pytest

from rollout.errors import ConfigInvalid
from rollout.render.compose import (
    checked_services,
    jobs_of,
    render_compose,
    renumber_compose,
    services_of,
    users_of,
)
from tests.support.values import APPLICATION, COMPOSE, REPOSITORY, WIKI, release

SMALL = """\
services:
  caddy:
    image: caddy:2-alpine
    volumes: ["./Caddyfile:/etc/caddy/Caddyfile:ro"]
  web:
    image: web
"""


def render(text: str) -> str:
    return render_compose(text, APPLICATION, release(12, "a"))


def test_the_wikis_file_becomes_the_golden_one():
    assert render(COMPOSE) == (WIKI / "rendered-compose.yml").read_text()


def test_a_release_is_rendered_the_same_each_time():
    assert render(COMPOSE) == render(COMPOSE)


def test_two_releases_differ_in_nothing_but_their_web_service_and_banner():
    twelve = set(render(COMPOSE).splitlines())
    thirteen = set(render_compose(COMPOSE, APPLICATION, release(13, "b")).splitlines())

    assert sorted(twelve - thirteen) == [
        "      trovella-deploy.release: '12'",
        f"      trovella-deploy.version: {'a' * 40}",
        "    - /opt/trovella/releases/12/.env",
        f"    image: us-central1-docker.pkg.dev/trovella-shared/trovella/web@sha256:{'a' * 64}",
        "  web-r12:",
        f"# Release 12, {'a' * 40}: rendered from infra/docker-compose.prod.yml.",
    ]


def test_the_services_of_a_rendered_file():
    names = ("caddy", "web-r12", "cloud-sql-proxy", "typesense", "inngest")

    assert services_of(render(COMPOSE)) == names
    assert checked_services(render(COMPOSE)) == ("web-r12",)
    assert services_of("") == ()
    assert jobs_of(render(COMPOSE)) == ()


def test_a_job_is_what_others_wait_for_to_end():
    jobs = "  seed: {image: seed}\n  fill: {image: fill, depends_on: [web, seed]}\n"
    waits = "    depends_on:\n      seed: {condition: service_completed_successfully}\n"

    assert jobs_of(render(SMALL + waits + jobs)) == ("seed",)


@pytest.mark.parametrize("idle", ["profiles: [debug]", "scale: 0", "deploy: {replicas: 0}"])
def test_a_service_that_waits_for_people_is_not_expected_to_run(idle: str):
    text = SMALL.replace("  web:", f"  console:\n    image: console\n    {idle}\n  web:")

    assert services_of(render(text)) == ("caddy", "web-r12")


def test_a_service_with_the_same_image_runs_the_same_code():
    worker = "  worker:\n    image: web\n    build: .\n    pull_policy: always\n    command: work\n"
    other = "  other:\n    image: web:5\n    pull_policy: always\n"

    assert (
        f"  worker:\n    image: {REPOSITORY}@sha256:{'a' * 64}\n    command: work\n"
        "  other:\n    image: web:5\n    pull_policy: always\n"
    ) in render(SMALL + worker + other)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            "    env_file: .env\n",
            "    env_file:\n    - /opt/trovella/releases/12/.env\n",
            id="a path below the directory is the release's own",
        ),
        pytest.param(
            "    env_file: [/opt/trovella/.env, /etc/extra.env]\n",
            "    env_file:\n    - /opt/trovella/releases/12/.env\n    - /etc/extra.env\n",
            id="any other file stays",
        ),
        pytest.param(
            "    env_file: [{path: ./.env, required: false}]\n",
            "    env_file:\n    - path: /opt/trovella/releases/12/.env\n      required: false\n",
            id="the long form too",
        ),
        pytest.param(
            "    restart: always\n",
            "    restart: unless-stopped\n",
            id="a stopped release stays stopped when the engine restarts",
        ),
        pytest.param(
            "    deploy: {replicas: 2, resources: {limits: {memory: 2G}}}\n",
            "    deploy:\n      resources:\n        limits:\n          memory: 2G\n",
            id="limits stay, replicas go",
        ),
        pytest.param(
            "    labels: [team=a]\n",
            "    labels:\n      team: a\n      trovella-deploy.release: '12'\n",
            id="labels as a list",
        ),
        pytest.param(
            "    ports: []\n    user: 22:22\n    tty: yes\n",
            "    user: '22:22'\n    tty: 'yes'\n",
            id="plain words are read as compose reads them",
        ),
    ],
)
def test_what_the_web_service_keeps(given: str, expected: str):
    assert expected in render(SMALL + given)


@pytest.mark.parametrize("dropped", ["container_name: web", "build: .", "profiles: [web]"])
def test_what_cannot_stand_twice_is_dropped(dropped: str):
    assert dropped.partition(":")[0] not in render(f"{SMALL}    {dropped}\n")


def test_a_proxy_in_networks_of_its_own_answers_to_the_name_in_the_services_network():
    networks = "    networks: [inner]\nnetworks: {inner: {}, outer: {}}\n"
    text = SMALL.replace("  web:", "    networks: {outer: {aliases: [www]}}\n  web:") + networks

    assert (
        "    networks:\n      outer:\n        aliases:\n        - www\n"
        "      inner:\n        aliases:\n        - web\n"
    ) in render(text)


def test_long_forms_are_understood_too():
    text = SMALL.replace(
        '["./Caddyfile:/etc/caddy/Caddyfile:ro"]',
        "[{type: bind, source: ./Caddyfile, target: /etc/caddy/Caddyfile}, data:/data]",
    ).replace("  web:", "    depends_on: [web, jobs]\n  jobs:\n    image: jobs\n  web:")

    assert (
        "    volumes:\n    - /opt/trovella/proxy:/etc/caddy:ro\n    - data:/data\n"
        "    depends_on:\n    - jobs\n"
    ) in render(text)


def test_an_anchor_is_written_in_full():
    text = (
        SMALL + "    logging: &log {driver: local}\n  jobs:\n    image: jobs\n    logging: *log\n"
    )

    assert render(text).count("driver: local") == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services: [", "is no YAML: while parsing a flow node"),
        ("- web", "has no services"),
        ("services: {web: {}}", "services.caddy is missing"),
        (SMALL.replace("  web:", "  app:"), "services.web is missing"),
        (
            SMALL + "    ports: ['3000:3000']\n",
            "services.web.ports: two releases cannot publish the same port side by side",
        ),
        (
            SMALL.replace("/etc/caddy/Caddyfile:ro", "/srv/Caddyfile"),
            "services.caddy.volumes: mounts no /etc/caddy/Caddyfile",
        ),
        ("services: !python/object:os.system {}", "is no YAML: could not determine a constructor"),
    ],
)
def test_a_file_that_cannot_be_rendered(text: str, problem: str):
    with pytest.raises(ConfigInvalid) as caught:
        render(text)

    assert caught.value.path == "infra/docker-compose.prod.yml"
    assert caught.value.problem.startswith(problem)


OWN = "    image: tool\n"
ABSENT = (
    "bring it in the service's image, or put it on the host yourself and write its absolute path"
)


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        pytest.param(
            "    build: ./tool\n",
            "services.tool.build: the host has no checkout to build it from; give it an `image`, "
            "which is that of the switched service where it runs the same code",
            id="a build without an image",
        ),
        pytest.param(
            OWN + "    volumes: ['data:/data', './tool.conf:/etc/tool.conf:ro']\n",
            f"services.tool.volumes: the host has no ./tool.conf of the checkout; {ABSENT}",
            id="a file that is mounted",
        ),
        pytest.param(
            OWN + "    volumes: [{type: bind, source: conf, target: /etc/tool}]\n",
            f"services.tool.volumes: the host has no conf of the checkout; {ABSENT}",
            id="a folder, in the long form",
        ),
        pytest.param(
            OWN + "    volumes: [{type: bind, source: ../conf, target: /etc/tool}]\n",
            f"services.tool.volumes: the host has no ../conf of the checkout; {ABSENT}",
            id="a folder above",
        ),
        pytest.param(
            OWN + "    env_file: tool.env\n",
            f"services.tool.env_file: the host has no tool.env of the checkout; {ABSENT}",
            id="a file of variables",
        ),
        pytest.param(
            OWN + "    env_file: [.env, {path: ./tool.env}]\n",
            f"services.tool.env_file: the host has no ./tool.env of the checkout; {ABSENT}",
            id="a file of variables, in the long form",
        ),
        pytest.param(
            OWN + "    extends: {file: common.yml, service: base}\n",
            f"services.tool.extends: the host has no common.yml of the checkout; {ABSENT}",
            id="a service of another file",
        ),
        pytest.param(
            OWN + "    configs: [tool]\nconfigs: {tool: {file: ./tool.conf}}\n",
            f"configs.tool.file: the host has no ./tool.conf of the checkout; {ABSENT}",
            id="a config",
        ),
        pytest.param(
            OWN + "    secrets: [{source: key}]\nsecrets: {key: {file: key.pem}}\n",
            f"secrets.key.file: the host has no key.pem of the checkout; {ABSENT}",
            id="a secret",
        ),
        pytest.param(
            OWN + "include: [./more.yml]\n",
            "include: the host has no other compose file of the checkout; write it in this one",
            id="another compose file",
        ),
    ],
)
def test_what_lies_in_the_checkout_alone_is_refused(tool: str, problem: str):
    with pytest.raises(ConfigInvalid) as caught:
        render(f"{SMALL}  tool:\n{tool}")

    assert caught.value.problem == problem


def test_a_file_beside_the_proxys_caddyfile_is_refused_too():
    with pytest.raises(ConfigInvalid) as caught:
        render(SMALL.replace('["./', '["./www:/srv", "./'))

    assert caught.value.problem == (
        f"services.caddy.volumes: the host has no ./www of the checkout; {ABSENT}"
    )


@pytest.mark.parametrize(
    "tool",
    [
        "    image: tool:5\n    build: .\n",
        OWN + "    volumes: [data:/data, /srv/conf:/etc/tool, '~/conf:/c', '${CONF}:/d', /cache]\n",
        OWN + "    volumes: ['./.env:/app/.env:ro', './Caddyfile:/app/Caddyfile']\n",
        OWN + "    volumes: [{type: bind, source: /srv/conf, target: /etc/tool}]\n",
        OWN + "    volumes: [{type: volume, source: data, target: /data}]\n",
        OWN + "    env_file: [./.env, /etc/tool.env, {path: tool.env, required: false}]\n",
        OWN + "    extends: web\n",
        OWN + "secrets: {key: {file: /etc/key.pem}, other: {environment: KEY}, third: }\n",
        "    build: .\n    profiles: [debug]\n",
        OWN + "    volumes: ['.:/app']\n    scale: 0\n",
    ],
)
def test_what_a_host_has_or_nobody_starts_is_let_be(tool: str):
    assert "  tool:\n" in render(f"{SMALL}  tool:\n{tool}")


SHARED = COMPOSE.replace(
    "\n  inngest:\n", "\n  inngest:\n    env_file: [{path: .env, required: true}]\n"
)


@pytest.mark.parametrize("text", [COMPOSE, SHARED])
def test_a_release_with_another_number_is_what_would_have_been_rendered(text: str):
    thirteen = release(13, "a")

    renumbered = renumber_compose(render(text), APPLICATION, 12, thirteen)

    assert renumbered == render_compose(text, APPLICATION, thirteen)
    assert renumber_compose(render(text), APPLICATION, 12, release(12, "a")) == render(text)


def test_only_the_release_itself_can_be_renumbered():
    with pytest.raises(ConfigInvalid) as raised:
        renumber_compose(render(COMPOSE), APPLICATION, 11, release(13, "a"))

    assert raised.value.problem == "services.web-r11 is missing"


@pytest.mark.parametrize(
    ("text", "variables", "users"),
    [
        (COMPOSE, ["RESEND_API_KEY"], ("web-r12",)),
        (COMPOSE, ["TYPESENSE_API_KEY"], ("web-r12", "typesense")),
        (COMPOSE, ["TYPESENSE_API"], ("web-r12",)),
        (COMPOSE, ["CLOUD_SQL_CONNECTION_NAME"], ("web-r12", "cloud-sql-proxy")),
        (SHARED, ["RESEND_API_KEY"], ("web-r12", "inngest")),
        (COMPOSE.replace("${TYPESENSE", "$${TYPESENSE"), ["TYPESENSE_API_KEY"], ("web-r12",)),
        (COMPOSE, [], ()),
    ],
)
def test_who_uses_a_variable(text: str, variables: list[str], users: tuple[str, ...]):
    assert users_of(render(text), variables) == users
