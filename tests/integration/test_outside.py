"""Looking at an address that speaks real TLS: the certificate, what is offered, what is lost."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rollout.config import Verify
from rollout.executors.look_outside import look_outside as explain
from rollout.executors.outside import handshake, look_outside
from rollout.executors.probe import probe
from rollout.model.outside import Dependency
from tests.support.values import release

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

NAME = "localhost"
CHECKS = {"database": {"ok": True, "latencyMs": 3}, "redis": {"ok": False, "latencyMs": 2001}}


class Health(BaseHTTPRequestHandler):
    """Answers as the application behind Caddy does, its Redis down.

    Each third request fails where `fails` is set; another release answers the later ones where
    `switches_after` says after how many.
    """

    protocol_version = "HTTP/1.1"
    asked: ClassVar[int] = 0
    fails: ClassVar[bool] = False
    switches_after: ClassVar[int] = 0

    def do_GET(self) -> None:
        kind = type(self)
        kind.asked += 1
        switched = 0 < kind.switches_after < kind.asked
        body = {
            "status": "degraded",
            "checks": CHECKS,
            "version": "a" * 40,
            "host": self.headers["Host"],
        }
        text = json.dumps(body).encode()
        self.send_response(503 if kind.fails and kind.asked % 3 == 0 else 200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Alt-Svc", 'h3=":443"; ma=2592000')
        self.send_header("X-Release", "web-r2" if switched else "web-r1")
        self.end_headers()
        self.wfile.write(text)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def certificate(folder: Path, begins: datetime, ends: datetime, name: str = NAME) -> Path:
    """Make a certificate that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextmanager
def serving(
    file: Path, *protocols: str, fails: bool = False, switches_after: int = 0
) -> Generator[int]:
    """Serve over TLS with this certificate until the block ends; yield the port."""

    class Own(Health):
        asked: ClassVar[int] = 0

    Own.fails, Own.switches_after = fails, switches_after
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(list(protocols))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that is trusted here, for 40 days more."""
    now = datetime.now(UTC)
    file = certificate(tmp_path, now - timedelta(days=1), now + timedelta(days=40, hours=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


def asking(port: int, **more: object) -> Verify:
    return Verify.model_validate({"url": f"https://{NAME}:{port}/api/health", **more})


def test_a_look_at_an_address_sees_all_of_it(good: Path):
    with serving(good, "h2", "http/1.1") as port:
        seen = look_outside(asking(port, limits={"requests": 5}))

    assert seen.tls is not None
    assert seen.tls.days_left is not None
    assert 40 < seen.tls.days_left < 41
    assert (seen.tls.problem, seen.tls.protocol, seen.offers_http3) == ("", "h2", True)
    assert (seen.status, seen.version, seen.upstream) == ("degraded", "a" * 40, "web-r1")
    assert seen.dependencies == (
        Dependency("database", True, 3.0),
        Dependency("redis", False, 2001.0),
    )
    assert seen.failing == {"redis"}
    assert (len(seen.latencies_ms), seen.lost, seen.problem) == (5, 0, "")
    assert min(seen.latencies_ms) > 0


def test_no_latency_is_measured_where_nobody_waits_for_it(good: Path):
    with serving(good) as port:
        seen = look_outside(asking(port), requests=0)

    assert (seen.status, seen.latencies_ms, seen.lost) == ("degraded", (), 0)


def test_what_another_release_answers_meanwhile_is_not_counted(good: Path):
    with serving(good, switches_after=4) as port:
        seen = look_outside(asking(port, limits={"requests": 9}))

    assert (seen.upstream, len(seen.latencies_ms), seen.lost) == ("web-r1", 3, 0)


def test_lost_requests_are_counted(good: Path):
    with serving(good, "http/1.1", fails=True) as port:
        seen = look_outside(asking(port, limits={"requests": 6}))

    assert (len(seen.latencies_ms), seen.lost) == (4, 2)
    assert seen.tls is not None
    assert seen.tls.protocol == "http/1.1"


def test_a_certificate_that_has_expired_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = datetime.now(UTC)
    file = certificate(tmp_path, now - timedelta(days=3), now - timedelta(days=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with serving(file) as port:
        seen = look_outside(asking(port))

    assert seen.tls is not None
    assert seen.tls.problem == "certificate has expired"
    assert "certificate has expired" in seen.problem
    assert (seen.latencies_ms, seen.lost) == ((), 24)


def test_a_certificate_for_another_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = datetime.now(UTC)
    file = certificate(tmp_path, now, now + timedelta(days=9), "elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with serving(file) as port:
        assert "Hostname mismatch" in handshake(NAME, NAME, port).problem


def test_another_address_is_asked_under_the_public_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = datetime.now(UTC)
    file = certificate(tmp_path, now, now + timedelta(days=9), "elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    public = {
        "url": "https://elsewhere.example/api/health",
        "version_key": "host",
        "limits": {"requests": 2},
    }

    with serving(file, "h2") as port:
        verify = Verify.model_validate(public | {"address": f"127.0.0.1:{port}"})
        seen = look_outside(verify)
        explained = explain(verify.url, verify.address)
        other = Verify.model_validate(
            public | {"url": "https://another.example/", "address": f"127.0.0.1:{port}"}
        )
        refused = look_outside(other)

    assert seen.tls is not None
    assert (seen.tls.problem, seen.tls.protocol, seen.problem) == ("", "h2", "")
    assert (seen.version, len(seen.latencies_ms), seen.lost) == ("elsewhere.example", 2, 0)
    assert (explained.certificate_words, explained.http_status) == ("trusted", 200)
    assert explained.route is not None
    assert explained.route.name == "127.0.0.1"
    assert refused.tls is not None
    assert "Hostname mismatch" in refused.tls.problem


def test_where_nobody_listens_nothing_is_raised():
    seen = look_outside(asking(1, limits={"requests": 2}))

    assert seen.tls is not None
    assert "refused" in seen.tls.problem
    assert "refused" in seen.problem
    assert seen.lost == 2


def test_what_was_down_before_is_not_waited_for(good: Path):
    one = release(1, "a")
    with serving(good) as port:
        verify = asking(port, timeout_s=1, limits={"requests": 1})
        before = look_outside(verify)
        tolerant, strict = probe(verify, one, before=before), probe(verify, one)

    assert (tolerant.problem, tolerant.attempts) == ("", 1)
    assert strict.problem == "HTTP 200, status degraded"
