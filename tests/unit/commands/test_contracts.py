"""The schema contracts of a host's releases, read in one go."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from rollout.commands.contracts import parse_contracts, read_contracts_command
from rollout.commands.host import NOT_PREPARED
from rollout.migrations.contract_json import parse_contract, render_contract
from rollout.model.host import HostFacts, StoredContracts
from rollout.model.layout import Layout
from tests.support.contracts import note

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = render_contract(note())


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    words = read_contracts_command(Layout(str(folder))).argv
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host with one release from before contracts, one with its own, and a cut upload."""
    for name in ("3", "12", ".13.tmp", "not-one"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        (tmp_path / "releases" / name / "release.json").write_text(f"described {name}\n")
        (tmp_path / "releases" / name / ".env").write_text("A='hunter2'\n")
    (tmp_path / "releases/12/contract.json").write_text(CONTRACT)
    (tmp_path / "releases/not-one/contract.json").write_text(CONTRACT)
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy/live").write_text("web-r12")
    (tmp_path / "ledger.jsonl").write_text("{}\n")
    return tmp_path


def test_history_descriptions_and_contracts_are_read(host: Path):
    answer = run(host)

    stored = parse_contracts(answer.stdout)
    assert stored == StoredContracts(
        HostFacts(
            live="web-r12",
            ledger="{}\n",
            releases={3: "described 3\n", 12: "described 12\n"},
        ),
        {12: CONTRACT},
    )
    assert parse_contract(stored.texts[12]) == note()
    assert "hunter2" not in answer.stdout


def test_a_contract_that_goes_while_it_is_read_is_none():
    said = "release releases/3/release.json e30K\ncontract releases/3/contract.json \n"

    assert parse_contracts(said) == StoredContracts(HostFacts(releases={3: "{}\n"}))


def test_a_bare_host_says_so(tmp_path: Path):
    assert run(tmp_path / "nothing").returncode == NOT_PREPARED
    assert parse_contracts(run(tmp_path).stdout) == StoredContracts()
