"""Looks for planted secrets wherever a pipeline may have left them, in every form that is usual."""

from __future__ import annotations

import gzip
import re
import subprocess
import tempfile
import threading
import time
import zlib
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

BETWEEN_S = 0.02
GZIP = b"\x1f\x8b"


class Sentinels:
    """Texts to look for, each in every form that it may have taken.

    Args:
        texts: Name to text: letters and digits only, so that no escaping changes it.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        assert all(text.isalnum() and len(text) >= 16 for text in texts.values())
        self.forms = {form: name for name, text in texts.items() for form in _forms(text)}
        self._any = re.compile(b"|".join(map(re.escape, self.forms)))

    def within(self, content: bytes) -> set[str]:
        """Return the names of those that stand in a content."""
        return {self.forms[found] for found in self._any.findall(content)}

    def below(self, folder: Path, *, without: tuple[Path, ...] = ()) -> dict[Path, set[str]]:
        """Return the files below a folder that hold any, whatever they are: path to names."""
        with tempfile.NamedTemporaryFile() as patterns:
            Path(patterns.name).write_bytes(b"\n".join(self.forms))
            words = ["grep", "-rlaF", "--null", "-f", patterns.name, "--", str(folder)]
            done = subprocess.run(words, capture_output=True, check=False)
        found = [Path(name.decode()) for name in done.stdout.split(b"\0") if name]
        kept = [path for path in found if not any(path.is_relative_to(one) for one in without)]
        return {path: self.within(path.read_bytes()) for path in kept}

    def packed_below(self, folder: Path) -> dict[Path, set[str]]:
        """Return the compressed files below a folder that hold any."""
        told = {path: self.within(_unpacked(path)) for path in folder.rglob("*") if path.is_file()}
        return {path: names for path, names in told.items() if names}

    def rows_of(self, url: str) -> dict[str, set[str]]:
        """Return the tables of a PostgreSQL database with a row that holds any: name to names."""
        patterns = [f"%{form.decode()}%" for form in self.forms]
        found: dict[str, set[str]] = {}
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_type = 'BASE TABLE' and table_schema !~ '^(pg_|information_schema)'"
            ).fetchall()
            for schema, table in tables:
                query = sql.SQL("select t::text from {} t where t::text like any(%s)")
                rows = connection.execute(query.format(sql.Identifier(schema, table)), [patterns])
                names = {name for (row,) in rows for name in self.within(row.encode())}
                if names:
                    found[table] = names
        return found


def _forms(text: str) -> list[bytes]:
    """Return a text as it stands, and as it looks inside of base64 at each of three places."""
    raw = text.encode()
    shifted = [b64encode(b"\0" * n + raw) for n in range(3)]
    # What the neighbours would change at both ends is cut off.
    inner = [form.rstrip(b"=")[4 if n else 0 : -4] for n, form in enumerate(shifted)]
    return [raw, raw.hex().encode(), *inner]


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if content[:2] != GZIP:
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content


@dataclass(slots=True)
class Processes:
    """The command lines that were seen on this machine, and on every machine inside of it."""

    seen: set[bytes] = field(default_factory=set[bytes])
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Note every command line, again and again, until it is over."""
        while not self.over.is_set():
            for folder in Path("/proc").iterdir():
                if folder.name.isdecimal():
                    self._note(folder / "cmdline")
            time.sleep(BETWEEN_S)

    def _note(self, path: Path) -> None:
        try:
            self.seen.add(path.read_bytes())
        except OSError:
            return  # it has ended


@contextmanager
def watching_processes() -> Generator[Processes]:
    """Yield what notes the process list all the time until the block ends."""
    processes = Processes()
    thread = threading.Thread(target=processes.look)
    thread.start()
    try:
        yield processes
    finally:
        processes.over.set()
        thread.join()
