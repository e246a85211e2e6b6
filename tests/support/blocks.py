"""Prefect blocks that say something else for a while, as a person's mistake would make them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate

from blocks import load_block

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.blocks.core import Block
    from prefect.client.schemas.objects import BlockDocument


@contextmanager
def changed(path: str, **fields: Any) -> Generator[None]:
    """Let fields of the block `type/name` have other values for a while."""
    document = _read(path)
    _write(document, {**document.data, **fields})
    try:
        yield
    finally:
        _write(document, document.data)


@contextmanager
def without(kind: type[Block], name: str) -> Generator[None]:
    """Let there be no such block for a while."""
    block = load_block(kind, name)
    kind.delete(name)
    try:
        yield
    finally:
        block.save(name)


def _read(path: str) -> BlockDocument:
    kind, name = path.split("/")
    with get_client(sync_client=True) as client:
        return client.read_block_document_by_name(name, kind, include_secrets=True)


def _write(document: BlockDocument, data: dict[str, Any]) -> None:
    with get_client(sync_client=True) as client:
        update = BlockDocumentUpdate(
            block_schema_id=document.block_schema_id, data=data, merge_existing_data=False
        )
        client.update_block_document(document.id, update)
