"""The rehearsed world as values: who has which address and which name.

Every rehearsal has the same addresses: each has a switch of its own, so two never meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SUBNET_BITS: Final = 24

VM: Final = "10.77.0.2"
STAGING: Final = "10.77.0.3"
FLEET: Final = ("10.77.0.4", "10.77.0.5", "10.77.0.6")
BALANCER: Final = "10.77.0.7"
OPERATIONS: Final = "10.77.0.8"
REGISTRY: Final = "10.77.0.10"
DATABASE: Final = "10.77.0.11"
SECRET_MANAGER: Final = "10.77.0.12"  # noqa: S105 - an address, not a secret
PUBLIC_REGISTRY: Final = "10.77.0.13"
ACME: Final = "10.77.0.14"
PREFECT_DATABASE: Final = "10.77.0.15"
TOKENS: Final = "10.77.0.16"
REDIS: Final = "10.77.0.17"
GIT: Final = "10.77.0.18"
SQL_ADMIN: Final = "10.77.0.19"
BUILDER: Final = "10.77.0.20"
MONITORING: Final = "10.77.0.21"
COMPUTE: Final = "10.77.0.22"
PIPELINE: Final = "10.77.0.30"

CLOUD: Final = (
    REGISTRY,
    DATABASE,
    SECRET_MANAGER,
    PUBLIC_REGISTRY,
    ACME,
    PREFECT_DATABASE,
    TOKENS,
    REDIS,
    GIT,
    SQL_ADMIN,
    MONITORING,
    COMPUTE,
)

REGISTRY_NAME: Final = "us-central1-docker.pkg.dev"
REGISTRY_USER: Final = "oauth2accesstoken"
REDIS_NAME: Final = "redis.upstash.rehearsal"
REPOSITORY_NAME: Final = "trovella.git"
OPERATIONS_NAME: Final = "prefect.trovella.ai"
OPERATIONS_API: Final = f"https://{OPERATIONS_NAME}/api"

NAMES: Final[dict[str, tuple[str, ...]]] = {
    VM: ("trovella.ai", "www.trovella.ai", "trovella-prod-vm"),
    STAGING: ("staging.trovella.ai", "trovella-staging-vm"),
    **{address: (f"fleet{number}",) for number, address in enumerate(FLEET, start=1)},
    BALANCER: ("fleet.trovella.ai",),
    OPERATIONS: (OPERATIONS_NAME, "trovella-operations-vm"),
    REGISTRY: (REGISTRY_NAME,),
    DATABASE: ("cloud-sql.rehearsal",),
    SECRET_MANAGER: ("secretmanager.googleapis.com",),
    PUBLIC_REGISTRY: ("registry-1.docker.io", "auth.docker.io", "index.docker.io", "gcr.io"),
    ACME: ("acme-v02.api.letsencrypt.org",),
    PREFECT_DATABASE: ("prefect-database.rehearsal",),
    TOKENS: ("oauth2.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com"),
    REDIS: (REDIS_NAME,),
    GIT: ("git.rehearsal",),
    SQL_ADMIN: ("sqladmin.googleapis.com",),
    MONITORING: ("monitoring.googleapis.com",),
    COMPUTE: ("compute.googleapis.com",),
    BUILDER: ("builder.rehearsal",),
    PIPELINE: ("pipeline.rehearsal",),
}

SECRETS_PROJECT: Final = "trovella-prod"
SHARED_PROJECT: Final = "trovella-shared"
SERVICE_ACCOUNT: Final = f"deployer@{SECRETS_PROJECT}.iam.gserviceaccount.com"
TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a token

DATABASE_INSTANCE: Final = "trovella"
DATABASE_NAME: Final = "trovella"
DATABASE_ROLE: Final = "trovella-app"
SCRATCH_ROLE: Final = "scratch"
SCRATCH_SECRET: Final = "trovella-scratch-database-url"  # noqa: S105 - its name
GITHUB_TOKEN: Final = "trovella-github-token"  # noqa: S105 - its name
PUBLIC_URL: Final = "https://trovella.ai"


@dataclass(frozen=True, slots=True)
class Passwords:
    """The random texts of one rehearsal, made when it is first stood up.

    Attributes:
        access_token: what the token endpoint hands out; also the registry's password.
        application: of the database role `trovella-app`.
        superuser: of `postgres` in the Cloud SQL stand-in.
        prefect: of the role `prefect` in the second cluster.
        redis: of the Redis stand-in.
        typesense: the application's Typesense key.
        scratch: of the role that makes scratch databases, on the server of Prefect's database.
    """

    access_token: str
    application: str
    superuser: str
    prefect: str
    redis: str
    typesense: str
    scratch: str


def scratch_url(passwords: Passwords) -> str:
    """Return where scratch databases are made: no machine of the application's knows it."""
    login = f"{SCRATCH_ROLE}:{passwords.scratch}"
    return f"postgresql://{login}@{PREFECT_DATABASE}:5432/postgres"


def names_table() -> str:
    """Return the names of the world in the format of a hosts file, one address a line."""
    return "".join(f"{address} {' '.join(names)}\n" for address, names in NAMES.items())


def tls_names() -> tuple[str, ...]:
    """Return every name that a cloud service answers TLS for."""
    google = (SECRET_MANAGER, TOKENS, SQL_ADMIN, MONITORING, COMPUTE)
    secured = (REGISTRY, PUBLIC_REGISTRY, ACME, *google)
    return tuple(name for address in secured for name in NAMES[address])


def secret_values(passwords: Passwords) -> dict[str, str]:
    """Return the application's 14 secrets and the build's, with values that work in the rehearsal.

    By short name.

    Values that no part of the rehearsal uses say so themselves.
    """
    unused = (
        "anthropic-api-key",
        "google-ai-api-key",
        "resend-api-key",
        "better-auth-secret",
        "sentry-auth-token",
        "google-oauth-client-id",
        "google-oauth-client-secret",
        "upstash-redis-token",
        "inngest-event-key",
        "inngest-signing-key",
    )
    return {
        **{name: f"rehearsal-{name}-{passwords.access_token[:8]}" for name in unused},
        "typesense-api-key": passwords.typesense,
        "database-url": f"postgresql://{DATABASE_ROLE}:{passwords.application}"
        f"@cloud-sql-proxy:5432/{DATABASE_NAME}",
        "better-auth-url": PUBLIC_URL,
        "upstash-redis-url": f"redis://:{passwords.redis}@{REDIS_NAME}:6379",
        "sentry-dsn": f"https://rehearsal{passwords.access_token[:8]}@sentry.rehearsal/1",
    }
