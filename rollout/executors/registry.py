"""Asks a registry what lies under a name, and gives a digest another tag.

Source: OCI distribution specification 1.1 (manifests) and Docker's token authentication
specification (`WWW-Authenticate: Bearer`), read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from rollout.errors import RegistryError, RegistryRefused

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.model.target import RegistryLogin

TIMEOUT_S = 15.0
MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}
_LOGIN_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"')


class Registry:
    """A registry, asked over HTTPS with one login.

    Args:
        login: Where it is and how to log in.
    """

    def __init__(self, login: RegistryLogin) -> None:
        self._login = login
        self._trust = ssl.create_default_context()

    def digest(self, image: str, tag: str) -> str | None:
        """Return the digest that a tag names; None when there is no such image or tag.

        Args:
            image: The image's name without the login's prefix, for example `web`.
            tag: A tag or a digest.

        Raises:
            RegistryRefused: When the login is refused, or may not read there.
            RegistryError: When the registry cannot be reached or fails.
        """
        with self._session(image, "pull") as session:
            answer = session.head(self._path(image, tag))
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None
            self._demand(answer)
            told = answer.headers.get("Docker-Content-Digest")
            return told or _digest_of(self._demand(session.get(self._path(image, tag))).content)

    def tag(self, image: str, digest: str, new_tag: str) -> None:
        """Let a tag name a digest that lies in the registry; harmless when it does already.

        Args:
            image: The image's name without the login's prefix.
            digest: What the tag shall name.
            new_tag: The tag; it is moved when it exists.

        Raises:
            RegistryRefused: When the login is refused, or may not write there.
            RegistryError: When the digest is not there, or the registry fails.
        """
        with self._session(image, "pull,push") as session:
            manifest = self._demand(session.get(self._path(image, digest)))
            kind = {"Content-Type": manifest.headers["Content-Type"]}
            path = self._path(image, new_tag)
            self._demand(session.put(path, content=manifest.content, headers=kind))

    def _path(self, image: str, reference: str) -> str:
        return f"/v2/{self._login.prefix}/{image}/manifests/{reference}"

    @contextmanager
    def _session(self, image: str, actions: str) -> Generator[httpx.Client]:
        """Yield a client that is logged in for what is to be done."""
        address = f"https://{self._login.host}"
        try:
            with httpx.Client(
                base_url=address, headers=_ACCEPT, timeout=TIMEOUT_S, verify=self._trust
            ) as client:
                client.auth = self._authentication(client, image, actions)
                yield client
        except httpx.HTTPError as error:
            raise RegistryError(
                f"the registry {self._login.host} cannot be reached: "
                f"{error or type(error).__name__}",
                next_step="Retry once it answers.",
            ) from error

    def _authentication(self, client: httpx.Client, image: str, actions: str) -> httpx.Auth:
        """Return what the registry itself says that it wants: a password, or a token for one."""
        password = self._login.token.reveal()
        basic = httpx.BasicAuth(self._login.username, password)
        kind, parts = parse_challenge(client.get("/v2/").headers.get("WWW-Authenticate", ""))
        if kind != "bearer" or "realm" not in parts:
            return basic
        scope = f"repository:{self._login.prefix}/{image}:{actions}"
        query = {"service": parts.get("service", ""), "scope": scope}
        answer = self._demand(client.get(parts["realm"], params=query, auth=basic))
        token = answer.json()
        return _Bearer(token.get("token") or token.get("access_token", ""))

    def _demand(self, answer: httpx.Response) -> httpx.Response:
        """Return the answer, or raise what its status means."""
        if answer.is_success:
            return answer
        asked = f"{answer.request.method} {answer.request.url.copy_with(query=None)}"
        if answer.status_code in _LOGIN_REFUSED:
            failure: RegistryError = RegistryRefused(
                f"the registry {self._login.host} refuses the login {self._login.username} "
                f"({answer.status_code} on {asked})",
                next_step="Check the credentials of the registry's block, and what they may do.",
            )
        else:
            failure = RegistryError(
                f"the registry {self._login.host} answered {answer.status_code} on {asked}",
                next_step="Retry; if it stays so, look at the registry.",
            )
        failure.http_status = answer.status_code
        raise failure


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def parse_challenge(header: str) -> tuple[str, dict[str, str]]:
    """Return a challenge's scheme in lower case, and its parameters.

    Example:
        >>> parse_challenge('Bearer realm="https://example.org/token",service="example"')
        ('bearer', {'realm': 'https://example.org/token', 'service': 'example'})
    """
    scheme, _, parameters = header.partition(" ")
    return scheme.lower(), dict(_CHALLENGE.findall(parameters))


def _digest_of(manifest: bytes) -> str:
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"
