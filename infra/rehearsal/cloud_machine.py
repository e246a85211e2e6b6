"""The cloud: one machine that answers on the addresses of everything that production depends on."""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING

from infra.rehearsal import certificates, compute, facts, github_rules, monitoring, sql_admin
from infra.rehearsal.documents import changing
from infra.rehearsal.machines import Machine
from infra.rehearsal.paths import HERE, INSIDE, Rehearsal
from infra.rehearsal.roots import build_roots

if TYPE_CHECKING:
    from pathlib import Path

STATIC = ("Caddyfile", "registry.yml", "public-registry.yml")


def ensure_passwords(rehearsal: Rehearsal) -> facts.Passwords:
    """Return this world's random texts, made at the first call."""
    path = rehearsal.state / "passwords.json"
    if not path.exists():
        rehearsal.state.mkdir(parents=True, exist_ok=True)
        names = facts.Passwords.__dataclass_fields__
        made = {name: secrets.token_hex(20) for name in names}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made, indent=2), encoding="utf-8")
    return facts.Passwords(**json.loads(path.read_text(encoding="utf-8")))


def ensure_stores(rehearsal: Rehearsal, passwords: facts.Passwords) -> None:
    """Fill the files of the stand-ins for Google and GitHub, unless they are there."""
    ensure_google_store(rehearsal, passwords)
    ensure_sql_store(rehearsal)
    ensure_alert_store(rehearsal)
    ensure_compute_store(rehearsal)
    ensure_github_store(rehearsal)


def ensure_google_store(rehearsal: Rehearsal, passwords: facts.Passwords) -> Path:
    """Return the Secret Manager stand-in's file, filled at the first call.

    It holds the application's secrets, the build's, and the pipeline's way to the scratch server.
    """
    store = rehearsal.state / "google" / "secrets.json"
    if not store.exists():
        store.parent.mkdir(parents=True, exist_ok=True)
        values = {f"trovella-{name}": one for name, one in facts.secret_values(passwords).items()}
        values[facts.SCRATCH_SECRET] = facts.scratch_url(passwords)
        document = {
            "denied": [],
            "secrets": {
                f"projects/{facts.SECRETS_PROJECT}/secrets/{name}": [
                    {"state": "ENABLED", "value": value}
                ]
                for name, value in sorted(values.items())
            },
        }
        store.touch(mode=0o600)
        store.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return store


def ensure_sql_store(rehearsal: Rehearsal) -> Path:
    """Return the file of Cloud SQL's Admin API, with the one instance at the first call."""
    store = rehearsal.state / "google" / "sqladmin.json"
    if not store.exists():
        document = sql_admin.fresh(facts.SECRETS_PROJECT, facts.DATABASE_INSTANCE)
        store.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return store


def ensure_alert_store(rehearsal: Rehearsal) -> Path:
    """Return the file of Cloud Monitoring, in which no alert was ever opened at the first call."""
    store = rehearsal.state / "google" / "monitoring.json"
    if not store.exists():
        document = monitoring.fresh(facts.SECRETS_PROJECT)
        store.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return store


def ensure_compute_store(rehearsal: Rehearsal) -> Path:
    """Return the file of Compute Engine, which knows no machine at the first call."""
    store = rehearsal.state / "google" / "compute.json"
    if not store.exists():
        store.write_text(json.dumps(compute.fresh(), indent=2), encoding="utf-8")
    return store


def ensure_github_store(rehearsal: Rehearsal) -> Path:
    """Return the file of GitHub, which nobody has asked for anything at the first call.

    Its token becomes a secret of the pipeline's own.
    """
    store = rehearsal.state / "github" / "github.json"
    if not store.exists():
        store.parent.mkdir(exist_ok=True)
        token = f"ghp_{secrets.token_hex(18)}"
        store.touch(mode=0o600)
        store.write_text(json.dumps(github_rules.fresh(token), indent=2), encoding="utf-8")
        name = f"projects/{facts.SECRETS_PROJECT}/secrets/{facts.GITHUB_TOKEN}"
        with changing(rehearsal.state / "google" / "secrets.json") as document:
            document["secrets"][name] = [{"state": "ENABLED", "value": token}]
    return store


def cloud_sql_script(passwords: facts.Passwords) -> str:
    """Return the SQL that stands for Terraform: one role, one database."""
    role = facts.DATABASE_ROLE
    return (
        f"CREATE ROLE \"{role}\" LOGIN CREATEDB PASSWORD '{passwords.application}';\n"
        f'CREATE DATABASE {facts.DATABASE_NAME} OWNER "{role}";\n'
    )


def prefect_database_script(passwords: facts.Passwords) -> str:
    """Return the SQL that makes the database of Prefect's own server, and who makes scratch ones.

    None of the application's roles is there.
    """
    return (
        f"CREATE ROLE prefect LOGIN PASSWORD '{passwords.prefect}';\n"
        f"CREATE ROLE {facts.SCRATCH_ROLE} LOGIN CREATEDB CREATEROLE "
        f"PASSWORD '{passwords.scratch}';\n"
        "CREATE DATABASE prefect OWNER prefect;\n"
        "\\connect prefect\nCREATE EXTENSION pg_trgm;\n"
    )


def redis_settings(passwords: facts.Passwords) -> str:
    """Return the settings of the Redis stand-in: in memory only, one password, like Upstash's."""
    return (
        f'bind {facts.REDIS}\nport 6379\nrequirepass {passwords.redis}\nsave ""\nappendonly no\n'
        "daemonize no\n"
    )


def cloud(rehearsal: Rehearsal) -> Machine:
    """Return the cloud, off and without a disk as yet."""
    state = rehearsal.machine("cloud")
    return Machine(
        rehearsal,
        "cloud",
        facts.CLOUD,
        build_roots(rehearsal.cache).lower("cloud"),
        "cloud-init",
        (
            (state / "settings", "/srv/cloud"),
            (state / "postgres", "/srv/postgres"),
            (rehearsal.state / "registry", "/srv/registry"),
            (state / "images", "/srv/images"),
        ),
    )


def prepare_cloud(rehearsal: Rehearsal) -> Machine:
    """Write the cloud's disk and settings, as far as they are missing; it stays off."""
    machine, passwords = cloud(rehearsal), ensure_passwords(rehearsal)
    settings = machine.state / "settings"
    certificates.ensure_server_certificate(rehearsal.cache / "ca", settings, facts.tls_names())
    for name in STATIC:
        shutil.copy(HERE / "cloud" / name, settings / name)
    for name in ("ca.crt", "ca.key"):
        shutil.copy(rehearsal.cache / "ca" / name, settings / name)
    texts = {
        "token": f"{passwords.access_token}\n",
        "redis.conf": redis_settings(passwords),
        "cloud-sql.sql": cloud_sql_script(passwords),
        "cloud-sql.superuser": passwords.superuser,
        "prefect-database.sql": prefect_database_script(passwords),
        "prefect-database.superuser": passwords.superuser,
    }
    for name, text in texts.items():
        (settings / name).touch(mode=0o600)
        (settings / name).write_text(text, encoding="utf-8")
    machine.create()
    service = (INSIDE / "cloud-service").read_text(encoding="utf-8")
    machine.write("/usr/local/sbin/cloud-service", service, 0o755)
    return machine
