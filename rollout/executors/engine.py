"""Speaks to the Docker engine on the worker's side, through Docker's own SDK.

The SDK is untyped: this file is the only one that knows it. What it raises leaves as `EngineError`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests
import urllib3.exceptions

from rollout.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from rollout.model.command import Secret

TIMEOUT_S = 60
# A stream that falls silent raises what lies below `requests`.
_FAILURES = (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError)


@contextmanager
def engine(timeout_s: int = TIMEOUT_S) -> Generator[Engine]:
    """Yield the engine that DOCKER_HOST names, or the machine's own.

    Args:
        timeout_s: How long the engine may be silent, in seconds.

    Raises:
        EngineError: When it cannot be reached, or refuses what it is asked.
    """
    with _told("the Docker engine cannot be used"):
        client: Any = docker.from_env(timeout=timeout_s)
        try:
            client.ping()
            yield Engine(client.api)
        finally:
            client.close()


class Engine:
    """A reachable engine."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def pull(self, image: str) -> None:
        """Pull an image unless the engine has it.

        Raises:
            EngineError: When it cannot be pulled.
        """
        try:
            self._api.inspect_image(image)
        except docker.errors.ImageNotFound:
            with _told(f"the image {image} could not be pulled"):
                for event in self._api.pull(image, stream=True, decode=True):
                    if "error" in event:
                        raise docker.errors.DockerException(event["error"]) from None

    def start(
        self,
        image: str,
        command: tuple[str, ...],
        *,
        env: Mapping[str, str],
        labels: Mapping[str, str],
        publish: tuple[str, int],
    ) -> str:
        """Start a container and return its id.

        Args:
            image: What runs.
            command: Words given to the image; empty means the image's own.
            env: Its variables.
            labels: Its labels.
            publish: The engine's address, and the container's port that is published there on a
                port of the engine's choice.
        """
        address, port = publish
        limits = self._api.create_host_config(port_bindings={port: (address, None)})
        created = self._api.create_container(
            image,
            list(command) or None,
            environment=dict(env),
            labels=dict(labels),
            ports=[port],
            host_config=limits,
        )
        try:
            self._api.start(created["Id"])
        except docker.errors.APIError:
            self.remove(created["Id"])
            raise
        return str(created["Id"])

    def published_port(self, container: str, port: int) -> int | None:
        """Return the engine's port for a container's port; None once the container ended."""
        published = self._api.port(container, port)
        return int(published[0]["HostPort"]) if published else None

    def is_running(self, container: str) -> bool:
        """Return whether the container runs."""
        return bool(self._api.inspect_container(container)["State"]["Running"])

    def execute(self, container: str, words: tuple[str, ...]) -> bool:
        """Run a command inside a container and return whether it succeeded."""
        created = self._api.exec_create(container, list(words))
        self._api.exec_start(created["Id"])
        return self._api.exec_inspect(created["Id"])["ExitCode"] == 0

    def last_lines(self, container: str, lines: int) -> str:
        """Return the end of what a container wrote."""
        return self._api.logs(container, tail=lines).decode(errors="replace")

    def labelled(self, label: str) -> dict[str, tuple[str, float]]:
        """Return all containers with a label: id to the label's value and when it was created.

        The time is in seconds since 1970.
        """
        found = self._api.containers(all=True, filters={"label": label})
        return {item["Id"]: (item["Labels"][label], float(item["Created"])) for item in found}

    def remove(self, container: str) -> None:
        """Remove a container with its volumes, whether it runs or not, or is gone already."""
        try:
            self._api.remove_container(container, v=True, force=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            # Somebody else is removing it at this moment.
            if error.status_code != requests.codes.conflict:
                raise

    def images(self, repository: str) -> dict[str, float]:
        """Return the images of a repository, whatever their tags: id to when each was made.

        The time is in seconds since 1970.
        """
        return {one["Id"]: float(one["Created"]) for one in self._api.images(name=repository)}

    def forget(self, image: str) -> bool:
        """Remove an image and return whether it is gone; one that something uses stays."""
        try:
            self._api.remove_image(image)
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError as error:
            if error.status_code != requests.codes.conflict:
                raise
            return False
        return True

    def build(
        self,
        path: str,
        dockerfile: str,
        reference: str,
        *,
        args: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> Iterator[dict[str, Any]]:
        """Build an image with the engine's own builder and yield what it says.

        A Dockerfile that cannot be read is refused at once; that is an event too.
        """
        try:
            yield from self._build(path, dockerfile, reference, args, labels)
        except docker.errors.APIError as error:
            if error.status_code != requests.codes.bad_request:
                raise
            yield {"error": str(error.explanation)}

    def _build(
        self,
        path: str,
        dockerfile: str,
        reference: str,
        args: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> Iterator[dict[str, Any]]:
        return self._api.build(
            path=path,
            dockerfile=dockerfile,
            tag=reference,
            buildargs=dict(args),
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
            # Left out, the SDK would wait for ever where the engine says nothing.
            timeout=self._api.timeout,
        )

    def push(self, reference: str, username: str, password: Secret) -> Iterator[dict[str, Any]]:
        """Push an image and yield what the engine says; a failure is an event, no exception."""
        login = {"username": username, "password": password.reveal()}
        return self._api.push(reference, stream=True, decode=True, auth_config=login)


@contextmanager
def _told(what: str) -> Generator[None]:
    try:
        yield
    except _FAILURES as error:
        raise EngineError(
            f"{what}: {error}",
            next_step="Check that Docker runs where DOCKER_HOST points, then retry.",
        ) from error
