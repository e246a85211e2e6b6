"""Migration files as values: what a folder of them says, Drizzle's or plain SQL.

Everything that identifies a migration follows Drizzle to the letter, because both must be able to
take over from each other: the hash is the SHA-256 of a file's text, byte for byte, and a file is
cut wherever the marker stands, also inside a comment or a string.

Source: drizzle-orm 0.45.4 `readMigrationFiles` (journal), 1.0.0-rc.5 (folders); `migrations.md`
section 1, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rollout.migrations.snapshots import two_heads
from rollout.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BREAKPOINT = "--> statement-breakpoint"
JOURNAL = "meta/_journal.json"
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_FOLDER = re.compile(r"((\d{14})_[A-Za-z0-9._-]+)/migration\.sql\Z")
_TOP_LEVEL_SQL = re.compile(r"[^/]+\.sql\Z")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file.

    Attributes:
        tag: Its name: the file's without `.sql`, or the folder's in Drizzle 1.0.
        when: Milliseconds since 1970, as Drizzle stores them in `created_at`; of plain files their
            place in the order, counted from 1.
        hash: SHA-256 of the text, as Drizzle stores it.
        statements: The text, cut at each marker; one part may hold several statements.
        text: The whole text.
        name: What Drizzle 1.0 stores as `name`; None in the layout with a journal.
    """

    tag: str
    when: int
    hash: str
    statements: tuple[str, ...]
    text: str
    name: str | None = None

    @property
    def file(self) -> str:
        """Return the file's path below the migrations folder."""
        return f"{self.tag}.sql" if self.name is None else f"{self.tag}/migration.sql"


@dataclass(frozen=True, slots=True)
class Journal:
    """What a migrations folder says.

    Attributes:
        migrations: All migrations, in the order in which they are applied.
        problems: What leaves the migrations incomplete.
        warnings: What is odd about those there are.
    """

    migrations: tuple[Migration, ...]
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def split_statements(text: str) -> tuple[str, ...]:
    r"""Return the parts of a migration that are sent to the server one after another.

    Example:
        >>> split_statements("select 1;--> statement-breakpoint\nselect 2;")
        ('select 1;', '\nselect 2;')
    """
    return tuple(text.split(BREAKPOINT))


def line_in_file(migration: Migration, number: int, position: int) -> int:
    """Return the line of the file where a place inside a statement lies, counted from 1.

    Args:
        migration: The migration.
        number: Which part, counted from 1.
        position: The character in that part, counted from 1, as PostgreSQL tells it.
    """
    before = BREAKPOINT.join((*migration.statements[: number - 1], ""))
    within = migration.statements[number - 1][: position - 1]
    return (before + within).count("\n") + 1


def parse(files: Mapping[str, str | bytes]) -> Journal:
    """Return what a migrations folder says.

    Args:
        files: Path below the folder to content, of all files in it. Bytes are what was committed;
            a text stands for its UTF-8 bytes.

    Returns:
        The journal. A folder that has neither a journal nor folders of Drizzle 1.0 has a problem.
    """
    contents = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in files.items()
    }
    if JOURNAL in contents:
        return _parse_journal(contents)
    if any(_FOLDER.match(path) for path in contents):
        return _parse_folders(contents)
    problem = Finding(
        "missing-journal",
        "which migrations there are is not known",
        JOURNAL,
        "Check `migrations.folder` in the environment's file, and that the journal is committed.",
    )
    return Journal((), (problem,))


def parse_plain(files: Mapping[str, str | bytes]) -> Journal:
    """Return what a folder of plain SQL files says, in the order of their names.

    Args:
        files: Path below the folder to content, of all files in it; folders below it are not looked
            at. Contents are as `parse` takes them.

    Returns:
        The journal. A folder without any such file has a problem.
    """
    contents = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in files.items()
        if _TOP_LEVEL_SQL.match(path)
    }
    migrations = tuple(
        _migration(path.removesuffix(".sql"), number, contents[path])
        for number, path in enumerate(sorted(contents), start=1)
    )
    if not migrations:
        problem = Finding(
            "missing-files",
            "which migrations there are is not known: the folder holds no SQL file",
            "*.sql",
            "Check `migrations.folder` in the environment's file.",
        )
        return Journal((), (problem,))
    return Journal(migrations, _unusable_texts(migrations), _odd_texts(migrations, contents))


def dialect(files: Mapping[str, str | bytes]) -> str:
    """Return the kind of server that a folder's journal is for; empty when none says so.

    Example:
        >>> dialect({JOURNAL: '{"dialect": "sqlite"}'})
        'sqlite'
    """
    try:
        journal: Any = json.loads(files.get(JOURNAL, "{}"))
        named = journal.get("dialect", "")
    except (ValueError, AttributeError):
        return ""
    # Drizzle's first journals wrote it shorter.
    return {"pg": "postgresql"}.get(named, str(named))


def _parse_journal(contents: Mapping[str, bytes]) -> Journal:
    try:
        entries = _entries(contents[JOURNAL])
    except (ValueError, TypeError, KeyError) as error:
        return Journal((), (_broken_journal(str(error)),))
    present = [entry for entry in entries if f"{entry.tag}.sql" in contents]
    migrations = tuple(
        _migration(entry.tag, entry.when, contents[f"{entry.tag}.sql"]) for entry in present
    )
    missing = tuple(_missing_file(entry.tag) for entry in entries if entry not in present)
    problems = (*missing, *_unusable_texts(migrations), *_both_layouts(contents))
    warnings = (
        *_odd_indices(entries),
        *_odd_dates(migrations),
        *_files_without_entry(contents, {entry.tag for entry in entries}),
        *_odd_texts(migrations, contents),
        *two_heads(contents),
    )
    return Journal(migrations, problems, warnings)


def _parse_folders(contents: Mapping[str, bytes]) -> Journal:
    """Return the journal of Drizzle 1.0, where each folder's name says when and what."""
    found = sorted(match[1] for match in map(_FOLDER.match, contents) if match)
    try:
        migrations = tuple(
            _migration(name, _stamp_ms(name[:14]), contents[f"{name}/migration.sql"], name)
            for name in found
        )
    except ValueError as error:
        return Journal((), (_broken_journal(str(error)),))
    warnings = (
        *_odd_dates(migrations),
        *_odd_texts(migrations, contents),
        *two_heads(contents),
    )
    return Journal(migrations, _unusable_texts(migrations), warnings)


@dataclass(frozen=True, slots=True)
class _Entry:
    idx: int
    when: int
    tag: str


def _entries(content: bytes) -> tuple[_Entry, ...]:
    """Return the journal's entries; raises what the JSON's first wrong part raises."""
    journal: Any = json.loads(content.decode())
    entries = tuple(
        _Entry(_integer(entry["idx"]), _integer(entry["when"]), _tag(entry["tag"]))
        for entry in journal["entries"]
    )
    twice = [tag for tag, count in Counter(entry.tag for entry in entries).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} is entered twice")
    return entries


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} should be a whole number")
    return value


def _tag(value: object) -> str:
    if not isinstance(value, str) or not _TAG.match(value):
        raise TypeError(f"{value!r} should be the name of a file without `.sql`")
    return value


def _stamp_ms(stamp: str) -> int:
    moment = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000


def _migration(tag: str, when: int, content: bytes, name: str | None = None) -> Migration:
    # Node reads the file this way too: what is no UTF-8 becomes a replacement character.
    text = content.decode(errors="replace")
    return Migration(
        tag, when, hashlib.sha256(text.encode()).hexdigest(), split_statements(text), text, name
    )


def _broken_journal(problem: str) -> Finding:
    return Finding(
        "broken-journal",
        f"the journal cannot be read: {problem}",
        JOURNAL,
        "Generate it again with drizzle-kit instead of editing it.",
    )


def _missing_file(tag: str) -> Finding:
    return Finding(
        "entry-without-file",
        "the journal names a file that was not committed",
        f"{tag}.sql",
        "Commit the file, or take its entry out of the journal.",
    )


def _unusable_texts(migrations: tuple[Migration, ...]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "null-byte",
            "PostgreSQL would see only what stands before the zero byte",
            migration.file,
            "Write the file again as UTF-8 text.",
        )
        for migration in migrations
        if "\0" in migration.text
    )


def _both_layouts(contents: Mapping[str, bytes]) -> Iterator[Finding]:
    folders = sorted(match[1] for match in map(_FOLDER.match, contents) if match)
    if folders:
        yield Finding(
            "mixed-layouts",
            "the folder has a journal and folders of Drizzle 1.0, which the journal does not name",
            f"{folders[0]}/migration.sql",
            "Bring all files to one layout: `drizzle-kit up` moves those of the journal.",
        )


def _odd_indices(entries: tuple[_Entry, ...]) -> Iterator[Finding]:
    for position, entry in enumerate(entries):
        if entry.idx != position:
            yield Finding(
                "index-gap",
                f"the journal counts {entry.idx} where {position} is due",
                f"{entry.tag}.sql",
                "Look whether a merge lost an entry.",
            )
            break


def _odd_dates(migrations: tuple[Migration, ...]) -> Iterator[Finding]:
    for earlier, later in pairwise(migrations):
        if later.when == earlier.when:
            yield Finding(
                "equal-when",
                f"it is dated exactly as {earlier.tag}; Drizzle's migrators cannot order the two",
                later.file,
                "Generate the later one again on top of the earlier one.",
            )
        elif later.when < earlier.when:
            yield Finding(
                "journal-out-of-order",
                f"it is dated earlier than {earlier.tag}; Drizzle's own migrator skips it",
                later.file,
                "Generate the later one again on top of the earlier one.",
            )


def _files_without_entry(contents: Mapping[str, bytes], tags: set[str]) -> Iterator[Finding]:
    for path in sorted(contents):
        if _TOP_LEVEL_SQL.match(path) and path.removesuffix(".sql") not in tags:
            yield Finding(
                "file-without-entry",
                "the journal does not name it, so it is never applied",
                path,
                "Generate it with drizzle-kit, or delete it.",
            )


def _odd_texts(
    migrations: tuple[Migration, ...], contents: Mapping[str, bytes]
) -> tuple[Finding, ...]:
    hashes = Counter(migration.hash for migration in migrations)
    return tuple(
        Finding(rule, consequence, migration.file, advice)
        for migration in migrations
        for rule, is_so, consequence, advice in (
            (
                "not-utf8",
                contents[migration.file] != migration.text.encode(),
                "some of its characters are lost",
                "Write the file again as UTF-8 text.",
            ),
            (
                "byte-order-mark",
                migration.text.startswith("\ufeff"),
                "PostgreSQL refuses the mark before the first statement",
                "Save the file without a byte order mark.",
            ),
            (
                "crlf",
                "\r\n" in migration.text,
                "its hash differs from that of the same text with plain line ends",
                "Save the file with LF line ends before it is applied anywhere.",
            ),
            (
                "empty-file",
                not migration.text.strip(),
                "it says nothing; it is entered as applied",
                "Delete it together with its entry, or write what was meant.",
            ),
            (
                "duplicate-content",
                hashes[migration.hash] > 1,
                "another migration has the same text, so only their dates tell them apart",
                "Say in a comment what sets it apart.",
            ),
        )
        if is_so
    )
