"""Reads secrets from Secret Manager, each with the number of the version that it read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1 import SecretVersion

from rollout.errors import SecretStoreRefused, SecretStoreUnavailable, SecretUnusable
from rollout.executors.google_login import refuses_login
from rollout.model.command import Secret
from rollout.model.secrets import Reading, SecretValue, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

TIMEOUT_S = 20.0
"""How long one read may take in all, tries again included, in seconds."""
LATEST = "latest"
_SIDE_BY_SIDE = 8
_PASSING = (exceptions.ServiceUnavailable, exceptions.TooManyRequests)
_RETRY = retry.Retry(
    # A token that cannot be had is told as a service that is not there.
    predicate=lambda error: isinstance(error, _PASSING) and not refuses_login(error),
    initial=0.2,
    maximum=2.0,
    timeout=TIMEOUT_S,
)


class SecretStore:
    """The secrets of one Google Cloud project.

    Args:
        project: The project's id.
        client: Google's client, with its credentials.
    """

    def __init__(self, project: str, client: SecretManagerServiceClient) -> None:
        self._project = project
        # Google's own annotations leave `retry` unknown, which strict checking does not accept.
        self._client: Any = client

    def read(
        self, names: Iterable[str], versions: Mapping[str, str] | None = None
    ) -> dict[str, SecretValue]:
        """Return secrets by name, read side by side.

        Args:
            names: Their names; one that stands twice is read once.
            versions: Name to version number, for those that are not to be read at their newest.

        Raises:
            SecretUnusable: When any is missing, disabled, destroyed, empty or forbidden; names
                all of them at once.
            SecretStoreRefused: When Google does not take the worker's login.
            SecretStoreUnavailable: When Secret Manager cannot be reached.
        """
        wanted = {name: (versions or {}).get(name, LATEST) for name in names}
        reading = self.look_at(wanted)
        if reading.unusable:
            told = "; ".join(f"{secret.name} {secret.why}" for secret in reading.unusable.values())
            failure = SecretUnusable(
                f"{len(reading.unusable)} of {len(wanted)} secrets of {self._project} cannot be "
                f"used: {told}",
                next_step="Give each an enabled version that is not empty, and the worker's "
                "account access to it; then start the run again.",
            )
            failure.unusable = tuple((one.name, one.code) for one in reading.unusable.values())
            raise failure
        return reading.values

    def look_at(self, versions: Mapping[str, str]) -> Reading:
        """Return what can be read, and what cannot, side by side.

        Each version is accessed, because the right to read a secret does not bring the right to ask
        for a version's state.

        Args:
            versions: Secret name to version number.

        Raises:
            SecretStoreRefused: When Google does not take the worker's login.
            SecretStoreUnavailable: When Secret Manager cannot be reached.
        """
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="secret") as pool:
            answers = tuple(pool.map(self._read, versions.keys(), versions.values()))
        return Reading(
            {answer.name: answer for answer in answers if isinstance(answer, SecretValue)},
            {answer.name: answer for answer in answers if isinstance(answer, Unusable)},
        )

    def _read(self, name: str, version: str) -> SecretValue | Unusable:
        path = f"projects/{self._project}/secrets/{name}/versions/{version}"
        try:
            answer = self._client.access_secret_version(name=path, retry=_RETRY, timeout=TIMEOUT_S)
        except exceptions.NotFound:
            return Unusable(name, _absent(version), "missing", withdrawn=True)
        except exceptions.PermissionDenied:
            return Unusable(name, "may not be read by the worker's account", "forbidden")
        except exceptions.FailedPrecondition:
            state = self._state(path)
            return Unusable(name, f"is {state}", state, withdrawn=True)
        except exceptions.InvalidArgument:
            return Unusable(name, "is no name of a secret", "unreadable")
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise _unavailable(error) from error
        return _judged(name, answer.name.rpartition("/")[2], answer.payload.data)

    def _state(self, path: str) -> str:
        """Return what keeps a version from being read, as far as we may ask."""
        try:
            answer = self._client.get_secret_version(name=path, retry=_RETRY, timeout=TIMEOUT_S)
        except exceptions.GoogleAPIError:
            return "disabled or destroyed"
        return SecretVersion.State(answer.state).name.lower()


def _judged(name: str, version: str, content: bytes) -> SecretValue | Unusable:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Unusable(name, "is no UTF-8 text", "unreadable")
    if not text.strip():
        return Unusable(name, f"is empty (version {version})", "empty")
    if "\0" in text:
        return Unusable(name, "holds a zero byte, which no variable can", "unreadable")
    # As a shell's `$(...)` does: who adds a version with `echo` did not mean the line's end.
    return SecretValue(name, version, Secret(text.rstrip("\r\n")))


def _absent(version: str) -> str:
    newest = version == LATEST
    return "does not exist or has no version" if newest else f"has no version {version}"


def _unavailable(error: Exception) -> SecretStoreUnavailable:
    if refuses_login(error):
        return SecretStoreRefused(
            f"Google does not take the worker's login: {type(error).__name__}: {error}",
            next_step="Renew the credentials of the project's block, or log the worker's account "
            "in again, then retry.",
        )
    return SecretStoreUnavailable(
        f"Secret Manager cannot be asked: {type(error).__name__}: {error}",
        next_step="Check that the address of the project's block answers, then retry.",
    )
