"""Failures that show at the worker, each produced for real, and what the run says of it."""

from __future__ import annotations

import http.server
import secrets as chance
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.rehearsal.app import create
from infra.rehearsal.google import stored
from infra.rehearsal.google_rules import Version
from rollout.config import Build, Check
from rollout.decide.image import ImageOrder
from rollout.decide.quality import quality_failure
from rollout.diagnose.match import diagnose
from rollout.errors import BuildFailed, DatabaseError, RegistryError, RolloutError, SecretUnusable
from rollout.executors.builder import build_and_push
from rollout.executors.checks import run_check
from rollout.executors.database import Database
from rollout.executors.look_outside import look_outside
from rollout.executors.registry import Registry
from rollout.executors.secrets import SecretStore
from rollout.migrations.locks import Patience
from rollout.model.command import Secret
from rollout.model.diagnosis import Retry
from rollout.model.seen import Evidence
from rollout.model.target import DatabaseAddress
from tests.support.application import check_out, head, serving
from tests.support.database import Scratch, folder, held, scratch_database
from tests.support.diagnoses import diagnosed
from tests.support.google import registry_login, secret_manager
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from rollout.model.diagnosis import Diagnosis

pytestmark = pytest.mark.rehearsal

PROJECT = "trovella-prod"


def told(kind: type[RolloutError], act: Callable[[], object]) -> Diagnosis:
    """Return what is said of the error that an act ends with."""
    with pytest.raises(kind) as caught:
        act()
    return diagnosed(caught.value)


# --- the database ---


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_database() as one:
        yield one


@pytest.fixture(scope="module")
def nobody(scratch: Scratch) -> Iterator[str]:
    """A role that may log in, and of which no session may be open."""
    name = f"nobody_{chance.token_hex(4)}"
    scratch.ask(f"CREATE ROLE {name} LOGIN PASSWORD 'hunter22' CONNECTION LIMIT 0")
    yield name
    scratch.ask(f"DROP ROLE {name}")


def enter(url: str, *proxy: str) -> None:
    with Database(DatabaseAddress(Secret(url), proxy), print):
        pass


def as_user(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}"))


def test_a_wrong_password(scratch: Scratch):
    url = as_user(scratch.url, "postgres", "hunter22-expired")

    found = told(DatabaseError, lambda: enter(url))

    assert found.code == "database-login-refused"
    assert found.seen.startswith("SQLSTATE 28P01: ")
    assert "hunter22" not in repr(found)


def test_too_many_connections(scratch: Scratch, nobody: str):
    found = told(DatabaseError, lambda: enter(as_user(scratch.url, nobody, "hunter22")))

    assert found.code == "database-too-many-connections"


def test_a_database_that_lets_nobody_in(scratch: Scratch):
    with scratch_database() as closed:
        scratch.ask(f"ALTER DATABASE {closed.name} ALLOW_CONNECTIONS false")
        found = told(DatabaseError, lambda: enter(closed.url))

    assert found.code == "database-not-accepting"


def test_a_proxy_that_cannot_be_reached(scratch: Scratch, tmp_path: Path):
    proxy = tmp_path / "proxy"
    proxy.write_text("#!/bin/sh\necho 'the credentials have expired'\nexit 1\n")
    proxy.chmod(0o755)
    parts = urlsplit(scratch.url)
    url = urlunsplit(parts._replace(netloc=f"u:p@127.0.0.1:{closed_port()}"))

    through, directly = (
        told(DatabaseError, lambda: enter(url, str(proxy))),
        told(DatabaseError, lambda: enter(url)),
    )

    assert (through.code, through.seen) == ("database-unreachable", "the credentials have expired")
    assert (directly.code, directly.retry) == ("database-unreachable", Retry.SAFE)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_a_statement_that_the_server_refuses(scratch: Scratch):
    scratch.empty()

    found = told(DatabaseError, lambda: scratch.apply(folder("SELECT * FROM no_such_table;")))

    assert found.code == "migration-failed"
    assert found.seen.startswith("SQLSTATE 42P01: 0000_step.sql, statement 1, line 1: ")
    assert found.retry is Retry.USELESS


def test_a_lock_that_somebody_holds(scratch: Scratch):
    scratch.empty()
    scratch.ask("CREATE TABLE note (id int)")
    patience = Patience(exclusive_s=0.1, tries=2)

    with held(scratch, "LOCK TABLE note IN ACCESS EXCLUSIVE MODE"):
        found = told(
            DatabaseError,
            lambda: scratch.apply(folder("ALTER TABLE note ADD COLUMN a int;"), patience),
        )

    assert found.code == "database-locked"
    assert found.seen.startswith("SQLSTATE 55P03: 0000_step.sql, statement 1: ")


# --- quality, the build, the registry ---


@pytest.mark.parametrize("name", ["lint", "typecheck", "test", "build"])
def test_a_check_that_does_not_pass(tmp_path: Path, name: str):
    check = Check(name=name, run=("sh", "-c", f"echo 'x.ts:3 {name} says no' >&2; exit 2"))

    failure = quality_failure((run_check(check, cwd=tmp_path, env={}, log=print),))

    assert failure is not None
    found = diagnosed(failure)
    assert (found.code, found.seen) == ("check-failed", f"{name}: x.ts:3 {name} says no")
    assert found.cause == f"the code does not pass {name}"


def test_a_check_that_takes_too_long(tmp_path: Path):
    check = Check(name="test", run=("sh", "-c", "echo waiting; sleep 60"), timeout_s=0.3)

    failure = quality_failure((run_check(check, cwd=tmp_path, env={}, log=print),))

    assert failure is not None
    found = diagnosed(failure)
    assert (found.cause, found.seen) == ("test took too long", "test: waiting")
    assert found.retry is Retry.AFTER


def build(source: Path, dockerfile: str, builder: str, **more: object) -> None:
    (source / "Dockerfile").write_text(dockerfile)
    login = registry_login()
    name = login.repository("test-failures")
    order = ImageOrder(f"{name}:{'c' * 40}", {"APP_VERSION": "c" * 40}, {})
    settings = {"dockerfile": "Dockerfile", "builder": builder, **more}
    build_and_push(Build.model_validate(settings), source, order, lambda: login, log=print)


@pytest.mark.parametrize("builder", ["buildx", "engine"])
def test_a_dockerfile_with_an_error(tmp_path: Path, builder: str):
    found = told(
        BuildFailed, lambda: build(tmp_path, "FROM busybox:1\nARG APP_VERSION\nFETCH x\n", builder)
    )

    assert found.code == "build-failed"
    assert "FETCH" in found.seen


def test_a_step_of_the_dockerfile_that_fails(tmp_path: Path):
    found = told(
        BuildFailed, lambda: build(tmp_path, "FROM busybox:1\nRUN echo no; exit 3\n", "engine")
    )

    assert found.code == "build-failed"


def test_a_build_argument_that_nobody_gives(tmp_path: Path):
    dockerfile = 'FROM busybox:1\nARG APP_VERSION\nARG PUBLIC_DSN\nRUN test -n "$PUBLIC_DSN"\n'

    found = told(BuildFailed, lambda: build(tmp_path, dockerfile, "engine"))

    assert found.code == "build-argument-missing"
    assert "PUBLIC_DSN" in found.cause


def test_a_registry_that_denies():
    wrong = registry_login(token=Secret("hunter22-expired"))

    found = told(RegistryError, lambda: Registry(wrong).digest("web", "latest"))

    assert found.code == "registry-login-refused"
    assert found.seen.startswith("HTTP 40")


# --- secrets ---


@pytest.fixture
def secret() -> Iterator[Callable[[str, str], str]]:
    made: list[str] = []
    path = Path(facts()["google_store"])

    def make(state: str, text: str) -> str:
        name = f"test-{chance.token_hex(4)}"
        made.append(f"projects/{PROJECT}/secrets/{name}")
        with stored(path) as there:
            there.secrets[made[-1]] = [Version(state, text)]  # pyright: ignore[reportArgumentType]
        return name

    yield make
    with stored(path) as there:
        for full in made:
            there.secrets.pop(full, None)


def test_secrets_that_are_disabled_or_empty(secret: Callable[[str, str], str]):
    disabled, empty = secret("DISABLED", "v"), secret("ENABLED", " \n")
    store = SecretStore(PROJECT, secret_manager())

    found = told(SecretUnusable, lambda: store.read([disabled, empty]))

    assert found.code == "secret-unusable"
    assert found.cause == f"{disabled} is disabled, {empty} is empty"
    assert f"secrets versions list {disabled}" in found.commands[0]
    assert f"versions add {empty}" in found.commands[1]


# --- the public address ---


def seen_at(url: str) -> Diagnosis:
    return diagnose(Evidence(kinds=("VerificationFailed",), outside=look_outside(url)))


def test_a_name_that_does_not_resolve():
    found = seen_at("https://nobody.rehearsal/api/health")

    assert (found.code, found.seen) == ("dns-wrong", "nobody.rehearsal: EAI_NONAME")


def test_a_name_that_leads_elsewhere():
    found = seen_at(f"http://localhost:{closed_port()}/api/health")

    assert found.code == "dns-wrong"
    assert found.seen.endswith("ECONNREFUSED")


@contextmanager
def https(folder: Path, begins: timedelta, ends: timedelta, name: str) -> Generator[int]:
    """Serve with a certificate of that time and name, which this process trusts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), now + begins, now + ends
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "both.pem").write_bytes(certificate + private)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("begins", "ends", "name", "code"),
    [
        (-2 * DAY, -DAY, "localhost", "certificate-expired"),
        (DAY, 2 * DAY, "localhost", "clock-off"),
        (-DAY, DAY, "trovella.example", "certificate-not-trusted"),
    ],
)
def test_a_certificate_that_browsers_do_not_believe(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    begins: timedelta,
    ends: timedelta,
    name: str,
    code: str,
):
    with https(tmp_path, begins, ends, name) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        found = seen_at(f"https://localhost:{port}/api/health")

    assert found.code == code


@contextmanager
def neighbour(answer: bytes) -> Generator[int]:
    """Listen, and give whoever connects this answer; none lets them wait."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            kept: list[socket.socket] = []
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                kept.append(connection)
                if answer:
                    connection.recv(4096)
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("application") / "application.git"
    create(repository)
    return check_out(repository, head(repository))


FINE = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"ok":true}'
DENIED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
PONG = b"+PONG\r\n"


@pytest.mark.parametrize(
    ("redis", "typesense", "code", "cause"),
    [
        (b"", FINE, "redis-down", "the application's Redis does not answer in time"),
        (PONG, DENIED, "typesense-down", None),
    ],
)
def test_a_neighbour_of_the_application_that_fails(
    application: Path, redis: bytes, typesense: bytes, code: str, cause: str | None
):
    with (
        neighbour(redis) as redis_port,
        neighbour(typesense) as typesense_port,
        serving(
            application,
            DATABASE_URL=facts()["database_url"],
            REDIS_URL=f"redis://127.0.0.1:{redis_port}",
            TYPESENSE_URL=f"http://127.0.0.1:{typesense_port}",
        ) as server,
    ):
        found = seen_at(f"http://127.0.0.1:{server.port}/api/health")

    assert found.code == code, found
    assert cause is None or found.cause == cause
    assert found.seen.startswith(f"{code.removesuffix('-down')}: ok false after ")
    assert found.also == ()


def test_an_application_whose_database_is_gone(application: Path):
    with serving(application) as server:
        found = seen_at(f"http://127.0.0.1:{server.port}/api/health")

    assert found.code == "database-down-for-application"
    assert [one.partition(":")[0] for one in found.also] == ["redis-down", "typesense-down"]
