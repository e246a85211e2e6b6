"""Stands up the service containers that checks talk to, and takes them down again.

Each carries the run's id as a label, so that what a killed run left behind is found: by the same
run's next try at once, by any other after an hour.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rollout.decide.quality import Endpoint
from rollout.errors import EngineError
from rollout.executors.engine import Engine, engine
from rollout.executors.tcp import accepts, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from rollout.config import ServiceContainer
    from rollout.executors.process import Log

LABEL = "ai.trovella.deploy.quality-run"
LEFTOVER_AGE_S = 3600.0
"""How old another run's container must be to count as left behind, in seconds."""
_LOG_LINES = 20


@contextmanager
def service_containers(
    services: tuple[ServiceContainer, ...],
    run_id: str,
    log: Log,
    *,
    engine_address: str = "127.0.0.1",
) -> Generator[dict[str, Endpoint]]:
    """Yield where fresh service containers listen; they are gone on leaving.

    Args:
        services: What to start; none needs no engine.
        run_id: Names the run that they belong to.
        log: Called with what happens.
        engine_address: The engine's own IP address, as the checks reach it.

    Raises:
        EngineError: When the engine cannot be used, or a container does not become ready.
    """
    if not services:
        yield {}
        return
    with engine() as there, ExitStack() as started, ThreadPoolExecutor(len(services)) as pool:
        _sweep(there, run_id, log)

        def stand_up(service: ServiceContainer) -> Endpoint:
            return _stand_up(there, service, run_id, engine_address, started)

        began = time.monotonic()
        endpoints = dict(
            zip((service.name for service in services), pool.map(stand_up, services), strict=True)
        )
        log(f"{', '.join(endpoints)} ready after {time.monotonic() - began:.1f} s")
        yield endpoints


def _stand_up(
    there: Engine,
    service: ServiceContainer,
    run_id: str,
    address: str,
    started: ExitStack,
) -> Endpoint:
    """Start one container and return where it listens, once it is ready."""
    there.pull(service.image)
    container = there.start(
        service.image,
        service.command,
        env=service.env,
        labels={LABEL: run_id},
        publish=(address, service.port),
    )
    started.callback(there.remove, container)
    port = there.published_port(container, service.port)
    if port is None:
        raise _not_ready(there, service, container)
    endpoint = Endpoint(address, port)

    def is_ready() -> bool:
        inside = not service.ready or there.execute(container, service.ready)
        return inside and accepts(endpoint.host, endpoint.port)

    if not wait_until(is_ready, service.ready_timeout_s, lambda: there.is_running(container)):
        raise _not_ready(there, service, container)
    return endpoint


def _not_ready(there: Engine, service: ServiceContainer, container: str) -> EngineError:
    how = (
        f"was not ready within {service.ready_timeout_s:g} s"
        if there.is_running(container)
        else "ended"
    )
    wrote = there.last_lines(container, _LOG_LINES).strip() or "nothing written"
    return EngineError(
        f"the service container {service.name} ({service.image}) {how}\n{wrote}",
        next_step="Correct its image, variables or readiness command in `quality.services`.",
    )


def _sweep(there: Engine, run_id: str, log: Log) -> None:
    """Remove what earlier runs left behind."""
    oldest = time.time() - LEFTOVER_AGE_S
    for container, (owner, created) in there.labelled(LABEL).items():
        if owner == run_id or created < oldest:
            log(f"removing the container {container[:12]} that run {owner} left behind")
            there.remove(container)
