"""A schema contract as text: one line of JSON, the same text for the same contract."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from rollout.errors import ConfigInvalid
from rollout.model.contract import FORMAT, Contract

_CONTRACT = TypeAdapter(Contract)
_FILE = "schema contract"


def render_contract(contract: Contract) -> str:
    """Return a contract as its text, which ends with a newline."""
    return (
        json.dumps(asdict(contract), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        + "\n"
    )


def parse_contract(text: str) -> Contract:
    """Return the contract that a text describes.

    Raises:
        ConfigInvalid: When it describes none, or one of another form.
    """
    try:
        contract = _CONTRACT.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "text"
        raise ConfigInvalid(_FILE, f"{key}: {first['msg']}") from None
    if contract.format != FORMAT:
        raise ConfigInvalid(_FILE, f"format: should be {FORMAT}, not {contract.format}")
    return contract


def fingerprint(contract: Contract) -> str:
    """Return 64 hex digits that are equal exactly when the contracts are."""
    return text_fingerprint(render_contract(contract))


def text_fingerprint(text: str) -> str:
    """Return a contract's fingerprint from its text, also of one in another form than today's."""
    return hashlib.sha256(text.encode()).hexdigest()
