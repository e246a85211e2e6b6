"""`python -m infra.rehearsal.google`: Secret Manager, tokens, and three APIs over REST.

Secret Manager speaks gRPC over TLS and demands a caller's proof as the real one does: a JWT that
the service account signed for itself, or an access token of the endpoint. The store is a file, read
at each call and replaced as a whole by each change, so that a test may change it too.
"""

from __future__ import annotations

import argparse
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import google_crc32c
import grpc
from google.auth import exceptions, jwt
from google.cloud.secretmanager_v1.types import resources, service

from infra.rehearsal import compute, facts, google_rules, monitoring, sql_admin
from infra.rehearsal.documents import changing
from infra.rehearsal.google_rest import handler
from infra.rehearsal.google_rules import Refused, Store

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
TOKEN_LIFETIME_S = 3600
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
METADATA_KEY = "authorization"
Answer = Callable[[Store, Any], Any]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves a caller.

    Attributes:
        public_key: PEM of the service account's public half.
        access_token: what the token endpoint hands out.
    """

    public_key: str
    access_token: str

    def accept(self, header: str) -> bool:
        """Return whether an Authorization header's value proves the service account."""
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer":
            return False
        return token == self.access_token or self.signed(token)

    def signed(self, token: str) -> bool:
        """Return whether a JWT is in force and carries the service account's signature."""
        try:
            claims: Any = jwt.decode(token, certs=self.public_key)
        except (ValueError, exceptions.GoogleAuthError):
            return False
        return claims.get("iss") == facts.SERVICE_ACCOUNT


@contextmanager
def stored(path: Path) -> Iterator[Store]:
    """Give the store as it is now; what was changed in it is written back, atomically."""
    with changing(path) as document:
        store = google_rules.parse_store(document)
        yield store
        document.update(google_rules.render_store(store))


def access(store: Store, request: service.AccessSecretVersionRequest) -> Any:
    """Answer AccessSecretVersion, with the checksum that Google's clients verify."""
    name, value = store.access(request.name)
    payload = value.encode()
    checksum = int.from_bytes(google_crc32c.Checksum(payload).digest(), "big")
    return service.AccessSecretVersionResponse(
        name=name, payload=resources.SecretPayload(data=payload, data_crc32c=checksum)
    )


def add_version(store: Store, request: service.AddSecretVersionRequest) -> Any:
    """Answer AddSecretVersion."""
    return _version(*store.add(request.parent, request.payload.data.decode()))


def list_versions(store: Store, request: service.ListSecretVersionsRequest) -> Any:
    """Answer ListSecretVersions, newest first, all on one page."""
    versions = [
        _version(f"{request.parent}/versions/{number}", version)
        for number, version in enumerate(store.versions(request.parent), start=1)
    ]
    return service.ListSecretVersionsResponse(versions=versions[::-1], total_size=len(versions))


def list_secrets(store: Store, request: service.ListSecretsRequest) -> Any:
    """Answer ListSecrets, all on one page."""
    secrets = [
        resources.Secret(name=name)
        for name in sorted(store.secrets)
        if name.startswith(f"{request.parent}/")
    ]
    return service.ListSecretsResponse(secrets=secrets, total_size=len(secrets))


def get_secret(store: Store, request: service.GetSecretRequest) -> Any:
    """Answer GetSecret."""
    store.versions(request.name)
    return resources.Secret(name=request.name)


def create_secret(store: Store, request: service.CreateSecretRequest) -> Any:
    """Answer CreateSecret."""
    name = f"{request.parent}/secrets/{request.secret_id}"
    store.create(name)
    return resources.Secret(name=name)


def _version(name: str, version: google_rules.Version) -> resources.SecretVersion:
    return resources.SecretVersion(name=name, state=resources.SecretVersion.State[version.state])


METHODS: dict[str, tuple[Answer, Any, Any]] = {
    "AccessSecretVersion": (
        access,
        service.AccessSecretVersionRequest,
        service.AccessSecretVersionResponse,
    ),
    "AddSecretVersion": (add_version, service.AddSecretVersionRequest, resources.SecretVersion),
    "CreateSecret": (create_secret, service.CreateSecretRequest, resources.Secret),
    "DestroySecretVersion": (
        lambda store, request: _version(*store.change(request.name, "DESTROYED")),
        service.DestroySecretVersionRequest,
        resources.SecretVersion,
    ),
    "DisableSecretVersion": (
        lambda store, request: _version(*store.change(request.name, "DISABLED")),
        service.DisableSecretVersionRequest,
        resources.SecretVersion,
    ),
    "EnableSecretVersion": (
        lambda store, request: _version(*store.change(request.name, "ENABLED")),
        service.EnableSecretVersionRequest,
        resources.SecretVersion,
    ),
    "GetSecret": (get_secret, service.GetSecretRequest, resources.Secret),
    "GetSecretVersion": (
        lambda store, request: _version(*store.find(request.name)),
        service.GetSecretVersionRequest,
        resources.SecretVersion,
    ),
    "ListSecretVersions": (
        list_versions,
        service.ListSecretVersionsRequest,
        service.ListSecretVersionsResponse,
    ),
    "ListSecrets": (list_secrets, service.ListSecretsRequest, service.ListSecretsResponse),
}


def secret_manager(path: Path, credentials: Credentials, pair: tuple[bytes, bytes]) -> grpc.Server:
    """Return Secret Manager's gRPC server, listening and not yet started.

    Args:
        path: the store.
        credentials: whom to let in.
        pair: TLS key and certificate, PEM.
    """

    def answering(answer: Answer) -> Callable[[Any, grpc.ServicerContext], Any]:
        def respond(request: Any, context: grpc.ServicerContext) -> Any:
            headers = dict(context.invocation_metadata())
            if not credentials.accept(str(headers.get(METADATA_KEY, ""))):
                text = "Request had invalid authentication credentials."
                context.abort(grpc.StatusCode.UNAUTHENTICATED, text)
            try:
                with stored(path) as store:
                    return answer(store, request)
            except Refused as refused:
                context.abort(grpc.StatusCode[refused.status], str(refused))

        return respond

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            answering(answer), request.deserialize, response.serialize
        )
        for name, (answer, request, response) in METHODS.items()
    }
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_secure_port(f"{facts.SECRET_MANAGER}:443", grpc.ssl_server_credentials([pair]))
    return server


def token_handler(credentials: Credentials) -> type[BaseHTTPRequestHandler]:
    """Return the token endpoint: a signed JWT goes in, the access token comes out."""

    class TokenHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
            """Say nothing: a request's body is a credential."""

        def do_POST(self) -> None:
            """Answer one request for a token."""
            length = int(self.headers.get("content-length", "0"))
            form = parse_qs(self.rfile.read(length).decode())
            grant, assertion = form.get("grant_type", [""])[0], form.get("assertion", [""])[0]
            if grant == JWT_GRANT and credentials.signed(assertion):
                token = {
                    "access_token": credentials.access_token,
                    "expires_in": TOKEN_LIFETIME_S,
                    "token_type": "Bearer",
                }
                self._respond(200, token)
            else:
                text = "Invalid JWT Signature."
                self._respond(400, {"error": "invalid_grant", "error_description": text})

        def _respond(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return TokenHandler


def main() -> None:
    """Serve all of them until the process is ended."""
    parser = argparse.ArgumentParser(prog="infra.rehearsal.google", description=__doc__)
    stores = ("--store", "--sql-store", "--alert-store", "--compute-store")
    for name in (*stores, "--public-key", "--token", "--certificate", "--key"):
        parser.add_argument(name, type=Path, required=True)
    files = parser.parse_args()
    credentials = Credentials(
        files.public_key.read_text(encoding="utf-8"),
        files.token.read_text(encoding="utf-8").strip(),
    )
    pair = (files.key.read_bytes(), files.certificate.read_bytes())
    secrets = secret_manager(files.store, credentials, pair)
    secrets.start()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    for address, store, answer in (
        (facts.SQL_ADMIN, files.sql_store, sql_admin.answer),
        (facts.MONITORING, files.alert_store, monitoring.answer),
        (facts.COMPUTE, files.compute_store, compute.answer),
    ):
        server = _secured(address, handler(store, credentials.accept, answer), tls)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    # `secrets` is named until here because a gRPC server ends with its last reference.
    _secured(facts.TOKENS, token_handler(credentials), tls).serve_forever()
    secrets.stop(None)


def _secured(
    address: str, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext
) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((address, 443), handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    return server


if __name__ == "__main__":
    main()
