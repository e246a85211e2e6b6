"""What runs on the operations machine knows the address that people have of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "infra/prefect"


def services(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text())["services"]


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("compose.yml", "server"),
        ("compose.yml", "worker"),
        ("compose.grown.yml", "server"),
        # Automations are its work there: it writes what on-call is told.
        ("compose.grown.yml", "services"),
    ],
)
def test_whoever_writes_a_link_to_a_run_knows_the_uis_address(name: str, service: str):
    told = services(name)[service]["environment"]["PREFECT_UI_URL"]

    assert told == "https://${PREFECT_NAME:?set it in infra/prefect/.env}"
