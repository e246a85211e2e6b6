"""The registry executor on real registries: with a password, with tokens, stopped, failing."""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rollout.errors import RegistryError, RegistryRefused
from rollout.executors import registry as executor
from rollout.executors.registry import MEDIA_TYPES, Registry, parse_challenge
from rollout.model.command import Secret
from rollout.model.target import RegistryLogin
from tests.support.google import registry_login
from tests.support.token_registry import PASSWORD, USERNAME, make_certificate, token_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.rehearsal

NOTHING = "sha256:" + "0" * 64


@pytest.fixture(params=["password", "tokens"])
def login(request, tmp_path: Path, monkeypatch) -> Iterator[RegistryLogin]:
    """Yield the login of a registry that wants a password, then of one that wants tokens."""
    if request.param == "password":
        yield registry_login()
        return
    with token_registry(tmp_path) as host:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        yield RegistryLogin(host, "trovella-shared/trovella", USERNAME, Secret(PASSWORD))


@pytest.fixture
def image() -> str:
    return f"test-{secrets.token_hex(4)}"


def push(login: RegistryLogin, image: str, tag: str, media_type: str) -> str:
    """Push the smallest manifest of a kind with the executor's own session; return its digest."""
    registry = Registry(login)
    with registry._session(image, "pull,push") as session:
        config = b'{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}}'
        blob = f"sha256:{hashlib.sha256(config).hexdigest()}"
        upload = session.post(f"/v2/{login.prefix}/{image}/blobs/uploads/").headers["Location"]
        session.put(
            httpx.URL(upload).copy_merge_params({"digest": blob}), content=config
        ).raise_for_status()
        whole = json.dumps(manifest(media_type, blob, len(config))).encode()
        path = f"/v2/{login.prefix}/{image}/manifests/{tag}"
        session.put(path, content=whole, headers={"Content-Type": media_type}).raise_for_status()
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def manifest(media_type: str, blob: str, size: int) -> dict[str, Any]:
    if media_type in {MEDIA_TYPES[0], MEDIA_TYPES[2]}:
        return {"schemaVersion": 2, "mediaType": media_type, "manifests": []}
    oci = media_type == MEDIA_TYPES[1]
    kind = "oci.image.config.v1" if oci else "docker.container.image.v1"
    config = {"mediaType": f"application/vnd.{kind}+json", "size": size, "digest": blob}
    return {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}


def test_what_is_absent_has_no_digest(login, image: str):
    assert Registry(login).digest(image, "latest") is None


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_every_kind_of_manifest_has_its_digest(login, image: str, media_type: str):
    pushed = push(login, image, "v1", media_type)

    assert Registry(login).digest(image, "v1") == pushed
    assert Registry(login).digest(image, pushed) == pushed
    assert Registry(login).digest(image, "v2") is None


def test_a_tag_is_moved_without_changing_what_it_names(login, image: str):
    registry = Registry(login)
    first = push(login, image, "v1", MEDIA_TYPES[3])
    second = push(login, image, "v2", MEDIA_TYPES[1])

    registry.tag(image, first, "latest")
    assert registry.digest(image, "latest") == first
    registry.tag(image, second, "latest")
    registry.tag(image, second, "latest")

    assert registry.digest(image, "latest") == second
    assert registry.digest(image, "v1") == first


def test_a_digest_that_is_not_there_cannot_be_tagged(login, image: str):
    with pytest.raises(RegistryError, match="answered 404 on GET https://"):
        Registry(login).tag(image, NOTHING, "latest")


def test_a_refused_login_is_no_passing_trouble(login, image: str):
    stranger = replace(login, token=Secret("wrong-token"))

    for call in (
        lambda: Registry(stranger).digest(image, "latest"),
        lambda: Registry(stranger).tag(image, NOTHING, "latest"),
    ):
        with pytest.raises(RegistryRefused) as refused:
            call()
        assert not refused.value.retry_safe
        assert refused.value.true.startswith(
            f"the registry {login.host} refuses the login oauth2accesstoken (401 on "
        )
        assert "wrong-token" not in str(refused.value)


def test_a_stopped_registry_may_be_asked_again(image: str):
    stopped = registry_login(host="us-central1-docker.pkg.dev:1")

    with pytest.raises(RegistryError, match=r"pkg.dev:1 cannot be reached") as unreachable:
        Registry(stopped).digest(image, "latest")

    assert unreachable.value.retry_safe


def test_a_registry_that_shows_another_certificate_is_not_spoken_to(image, tmp_path):
    with token_registry(tmp_path) as host, pytest.raises(RegistryError, match="cannot be reached"):
        Registry(registry_login(host=host)).digest(image, "latest")


class Failing(BaseHTTPRequestHandler):
    """Answers what `status` says; 0 answers nothing."""

    status = 503
    header: tuple[str, str] | None = None
    done = threading.Event()

    def do_GET(self) -> None:
        if self.status == 0:
            self.done.wait(10)
            return
        self.send_response(200 if self.path == "/v2/" else self.status)
        if self.header:
            self.send_header(*self.header)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"{}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own
        """Say nothing."""


@pytest.fixture
def failing(tmp_path: Path, monkeypatch) -> Iterator[RegistryLogin]:
    """Yield the login of a server that fails as `Failing.status` says."""
    make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Failing.done.clear()
        yield RegistryLogin(f"127.0.0.1:{server.server_port}", "a/b", USERNAME, Secret("x"))
        Failing.done.set()
        server.shutdown()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failing_registry_may_be_asked_again(failing, monkeypatch, status: int):
    monkeypatch.setattr(Failing, "status", status)

    with pytest.raises(RegistryError) as failed:
        Registry(failing).digest("web", "latest")

    assert type(failed.value) is RegistryError
    assert failed.value.true == (
        f"the registry {failing.host} answered {status} on "
        f"HEAD https://{failing.host}/v2/a/b/web/manifests/latest"
    )


def test_a_registry_that_says_nothing_is_given_up(failing, monkeypatch):
    monkeypatch.setattr(Failing, "status", 0)
    monkeypatch.setattr(executor, "TIMEOUT_S", 0.5)

    with pytest.raises(RegistryError, match="cannot be reached"):
        Registry(failing).digest("web", "latest")


def test_a_registry_that_does_not_tell_the_digest_is_read(failing, monkeypatch):
    monkeypatch.setattr(Failing, "status", 200)

    assert Registry(failing).digest("web", "latest") == (
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


@pytest.mark.parametrize(
    ("header", "parsed"),
    [
        ("", ("", {})),
        ('Basic realm="x y"', ("basic", {"realm": "x y"})),
        (
            'Bearer realm="https://h/v2/token",service="h",scope="a:b:pull"',
            ("bearer", {"realm": "https://h/v2/token", "service": "h", "scope": "a:b:pull"}),
        ),
    ],
)
def test_challenges(header: str, parsed):
    assert parse_challenge(header) == parsed
