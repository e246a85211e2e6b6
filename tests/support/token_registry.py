"""A real registry that wants tokens, as Artifact Registry does, and what gives them out.

The rehearsal's own registry asks for a password; this one is the same program configured for
Docker's token authentication, on loopback with a certificate of its own.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.support.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERNAME, PASSWORD = "oauth2accesstoken", "right-token"
SERVICE, ISSUER = "test-registry", "test-issuer"
STARTED_WITHIN_S = 60.0


@contextmanager
def token_registry(folder: Path) -> Iterator[str]:
    """Yield the `host:port` of a running registry; `folder/certificate.pem` is to be trusted."""
    program = next((ROOT / ".rehearsal/cache/roots").glob("*/cloud/usr/bin/docker-registry"))
    key, certificate = make_certificate(folder)
    with _token_server(folder, key, certificate) as tokens:
        config = folder / "registry.json"
        config.write_text(json.dumps(_settings(folder, tokens)))
        with (folder / "registry.log").open("w") as log:
            process = subprocess.Popen([program, "serve", config], stderr=log, stdout=log)
        try:
            yield _listening(folder / "registry.log")
        finally:
            process.terminate()
            process.wait()


def _settings(folder: Path, tokens: str) -> dict[str, Any]:
    pair = {
        "certificate": str(folder / "certificate.pem"),
        "key": str(folder / "key.pem"),
    }
    return {
        "version": "0.1",
        "log": {"formatter": "json"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": "127.0.0.1:0", "tls": pair, "secret": "of-no-use"},
        "auth": {
            "token": {
                "realm": f"https://{tokens}/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": pair["certificate"],
            }
        },
    }


def _listening(log: Path) -> str:
    """Return where the registry says that it listens."""
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            told = json.loads(line).get("msg", "") if line.startswith("{") else ""
            if told.startswith("listening on 127.0.0.1:"):
                return told.removeprefix("listening on ").partition(",")[0]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def make_certificate(folder: Path) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Write `certificate.pem` and `key.pem` for 127.0.0.1, signed by themselves."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    (folder / "key.pem").write_bytes(key.private_bytes(pem, traditional, plain))
    return key, certificate


@contextmanager
def _token_server(
    folder: Path, key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> Iterator[str]:
    expected = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != expected:
                self.send_error(401)
                return
            body = json.dumps({"token": _token(key, certificate, urlsplit(self.path).query)})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _token(key: rsa.RSAPrivateKey, certificate: x509.Certificate, query: str) -> str:
    """Return a token for exactly the scope that was asked for."""
    kind, name, actions = parse_qs(query)["scope"][0].split(":")
    der = certificate.public_bytes(serialization.Encoding.DER)
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": USERNAME,
        "aud": SERVICE,
        "nbf": now - 10,
        "iat": now,
        "exp": now + 300,
        "jti": "1",
        "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
    }
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
