"""The rehearsal's Google, as its own clients see it."""

from __future__ import annotations

from typing import Any

from google.auth.transport.requests import Request
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.oauth2 import service_account

from rollout.model.command import Secret
from rollout.model.target import RegistryLogin
from tests.support.world import facts

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REGISTRY = "us-central1-docker.pkg.dev"
PREFIX = "trovella-shared/trovella"


def credentials() -> Any:
    """Return the throw-away service account."""
    key = facts()["service_account_key"]
    known: Any = service_account.Credentials
    return known.from_service_account_file(key, scopes=[SCOPE])


def secret_manager(**options: Any) -> SecretManagerServiceClient:
    """Return Google's own client."""
    return SecretManagerServiceClient(credentials=credentials(), **options)


def registry_login(**changed: Any) -> RegistryLogin:
    """Return the login that the registry accepts, or one that differs as asked."""
    account = credentials()
    account.refresh(Request())
    login: dict[str, Any] = {
        "host": REGISTRY,
        "prefix": PREFIX,
        "username": "oauth2accesstoken",
        "token": Secret(account.token),
    }
    return RegistryLogin(**{**login, **changed})
