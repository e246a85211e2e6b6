"""What the tests on real parts share: a PostgreSQL of each version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollout.executors.dial import authorities
from tests.support.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _own_authorities() -> Iterator[None]:
    """Let each test say itself whom it trusts; a run reads that once."""
    authorities.cache_clear()
    yield
    authorities.cache_clear()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.close()
