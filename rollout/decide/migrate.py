"""Decides which migrations are to be applied, from the files and from what the database holds.

The database is asked what it has; nobody remembers. So a run that was cancelled, a file that came
in late and a second run at once all lead to the same answer.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from rollout.migrations.journal import Migration
from rollout.migrations.segments import segment_findings
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.policy import MigrationPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rollout.migrations.journal import Journal

LEADS_BACK = ".down.sql"
"""How tools that lead both ways call a file that takes another one back."""
_ABOUT_THE_FOLDER = {"file-without-entry", "index-gap", "two-heads"}


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the table that says what is applied.

    Attributes:
        id: The row's number.
        hash: SHA-256 of the file's text when it was applied; empty in a table that holds names
            only, so whether a file was changed since is not known.
        created_at: The migration's `when`, in milliseconds since 1970; None in rows made by hand.
        name: The migration's name, where Drizzle 1.0 or the application's own command keeps the
            table; else None.
    """

    id: int
    hash: str
    created_at: int | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What to do to the database.

    Attributes:
        pending: Migrations to apply, in this order; empty when the database has them all.
        findings: Everything worth showing, also when the verdict is go.
        verdict: Whether applying may begin.
        seed_expected: Whether the reference data may have changed and its command is to run.
    """

    pending: tuple[Migration, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    seed_expected: bool

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to do: no migration is pending and no seed expected."""
        return isinstance(self.verdict, Go) and not self.pending and not self.seed_expected

    def describe(self) -> str:
        """Return one line for people."""
        if isinstance(self.verdict, Refuse):
            refused = self.verdict.findings
            return "refused: " + "; ".join(finding.consequence for finding in refused)
        tags = ", ".join(migration.tag for migration in self.pending)
        return f"pending: {tags}" if tags else "nothing pending"


def decide_migrations(
    journal: Journal,
    applied: tuple[Applied, ...],
    watch_hits: tuple[str, ...] | None,
    policy: MigrationPolicy | None = None,
) -> MigrationPlan:
    """Return which migrations to apply, and whether that may begin.

    Args:
        journal: What the commit's files say.
        applied: All rows of the table; empty when there is no table yet.
        watch_hits: Paths below the watched folders that changed since the deployed version; None
            when that is not known, for instance because nothing was deployed yet.
        policy: What each finding leads to; None means the safe defaults.

    Returns:
        The plan. Applied to the database and decided again, it is empty but for the seed.
    """
    policy = policy or MigrationPolicy()
    matches = match_rows(journal.migrations, applied)
    pending = tuple(file for file in journal.migrations if file not in matches.values())
    seed_expected = watch_hits is None or bool(watch_hits) or bool(pending)
    unusable = tuple(problem for problem in journal.problems if not policy.knows(problem.rule))
    if unusable:
        return MigrationPlan(pending, unusable, Refuse(unusable), seed_expected)
    findings = (
        *journal.problems,
        *_drift(applied, matches),
        *_unknown_rows(applied, matches),
        *_mixed_layouts(journal, applied),
        *(one for file in pending for one in segment_findings(file)),
        *_leading_back(pending),
        *_about(journal.warnings, pending),
        *_late(pending, applied),
        *_double_rows(matches),
        *_mismatch(pending, watch_hits),
    )
    told = tuple(one for one in findings if policy.consequence(one.rule) != "allow")
    refused = tuple(one for one in told if policy.consequence(one.rule) == "refuse")
    verdict = Refuse(refused) if refused else Go(told)
    return MigrationPlan(pending, told, verdict, seed_expected)


def verify_applied(journal: Journal, applied: tuple[Applied, ...]) -> Verdict:
    """Judge whether the database holds every migration of the files, each one by its identity.

    Args:
        journal: What the commit's files say.
        applied: The table's rows, read after applying.
    """
    matches = match_rows(journal.migrations, applied)
    missing = tuple(
        Finding(
            "migration-missing",
            "the database does not hold it although it was applied",
            file.file,
            "Look who else changes the table of migrations, then run them again.",
        )
        for file in journal.migrations
        if file not in matches.values()
    )
    if missing:
        return Refuse(missing)
    return Go(tuple(_double_rows(matches)))


def match_rows(files: tuple[Migration, ...], applied: tuple[Applied, ...]) -> dict[int, Migration]:
    """Return which file each row stands for: by name, else by hash, else by date.

    Returns:
        Row number to file; rows that stand for no file are left out.
    """
    pairs = ((row.id, _find(row, files)) for row in applied)
    return {number: file for number, file in pairs if file is not None}


def watch_hits(globs: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that one of the globs matches.

    Args:
        globs: `*` and `?` stay inside one folder, `**` crosses folders, `{a,b}` means either.
        paths: Paths in the repository.

    Example:
        >>> watch_hits(["db/{seed,seeds}/**"], ["db/seeds/models.json", "db/seed.ts", "web/a.ts"])
        ('db/seeds/models.json',)
    """
    patterns = [re.compile(_expression(glob)) for glob in globs]
    return tuple(path for path in paths if any(pattern.fullmatch(path) for pattern in patterns))


def _find(row: Applied, files: tuple[Migration, ...]) -> Migration | None:
    if not row.hash:
        return next((file for file in files if file.tag == row.name), None)
    by_name = [file for file in files if row.name is not None and file.name == row.name]
    by_hash = [file for file in files if file.hash == row.hash]
    by_date = [file for file in files if _same_date(row, file)]
    # Two files with one text are told apart by their dates.
    both = [file for file in by_hash if file in by_date]
    return next(iter((*by_name, *both, *by_hash, *by_date)), None)


def _same_date(row: Applied, file: Migration) -> bool:
    if row.created_at is None:
        return False
    if file.name is None:
        return row.created_at == file.when
    # Drizzle 1.0 took over rows of the older layout; its own dates are whole seconds.
    return row.created_at // 1000 == file.when // 1000


def _drift(applied: tuple[Applied, ...], matches: Mapping[int, Migration]) -> Iterator[Finding]:
    for row in applied:
        file = matches.get(row.id)
        if file is None or row.hash in {"", file.hash}:
            continue
        if row.hash in _with_other_line_ends(file):
            yield Finding(
                "checksum-drift",
                "it was applied with other line ends, and is else the same: a checkout changed it",
                file.file,
                "Commit it with the line ends that it was applied with, and keep git from changing "
                "them: `*.sql text eol=lf` in .gitattributes.",
            )
        else:
            yield Finding(
                "checksum-drift",
                "the file was changed after it had been applied, so the database differs from it",
                file.file,
                "Restore the file as it was and put the change into a new migration.",
            )


def _with_other_line_ends(file: Migration) -> set[str]:
    """Return the hashes of a file as Unix and as Windows ends its lines."""
    plain = file.text.replace("\r\n", "\n")
    return {sha256(one.encode()).hexdigest() for one in (plain, plain.replace("\n", "\r\n"))}


def _unknown_rows(
    applied: tuple[Applied, ...], matches: Mapping[int, Migration]
) -> Iterator[Finding]:
    for row in applied:
        if row.id not in matches:
            known_as = row.name or f"hash {row.hash[:12]}, created_at {row.created_at}"
            yield Finding(
                "unknown-migration",
                "the database holds a migration that this commit does not know: it is ahead",
                f"row {row.id} ({known_as})",
                "Deploy a commit that has this migration; an older one is a rollback's business.",
            )


def _mixed_layouts(journal: Journal, applied: tuple[Applied, ...]) -> Iterator[Finding]:
    has_folders = any(file.name is not None for file in journal.migrations)
    named = any(row.hash and row.name is not None for row in applied)
    if journal.migrations and not has_folders and named:
        yield Finding(
            "mixed-layouts",
            "the table was made by Drizzle 1.0, whose dates the older layout does not share",
            "meta/_journal.json",
            "Bring the files to Drizzle 1.0's layout with `drizzle-kit up`.",
        )


def _double_rows(matches: Mapping[int, Migration]) -> Iterator[Finding]:
    for file, count in Counter(match.file for match in matches.values()).items():
        if count > 1:
            yield Finding(
                "double-row",
                f"the table of migrations holds it {count} times",
                file,
                "Look whether two migrators ran at once and seeded data twice.",
            )


def _about(warnings: tuple[Finding, ...], pending: tuple[Migration, ...]) -> Iterator[Finding]:
    """Yield what concerns this deploy: files long applied have been warned about before."""
    named = {file.file for file in pending}
    for warning in warnings:
        if warning.where in named or warning.rule in _ABOUT_THE_FOLDER:
            yield warning


def _leading_back(pending: tuple[Migration, ...]) -> Iterator[Finding]:
    for file in pending:
        if file.file.endswith(LEADS_BACK):
            yield Finding(
                "leads-back",
                "by its name it leads back, and each SQL file of the folder is applied",
                file.file,
                "Move files that lead back out of the folder, for instance into one below it.",
            )


def _late(pending: tuple[Migration, ...], applied: tuple[Applied, ...]) -> Iterator[Finding]:
    newest = max((row.created_at or 0 for row in applied), default=0)
    for file in pending:
        if file.when <= newest:
            yield Finding(
                "out-of-order",
                "it is dated before the newest one applied; Drizzle would skip it, it is applied",
                file.file,
                "Nothing to do; date migrations when they are merged to avoid this.",
            )


def _mismatch(pending: tuple[Migration, ...], hits: tuple[str, ...] | None) -> Iterator[Finding]:
    if pending and hits == ():
        yield Finding(
            "pending-without-change",
            "nothing watched changed since the deployed version, yet the database lacks it",
            ", ".join(file.tag for file in pending),
            "Nothing to do; an earlier run was stopped before it applied them.",
        )
    changed = [path for path in hits or () if path.endswith(".sql")]
    if changed and not pending:
        yield Finding(
            "change-without-pending",
            "migration files changed since the deployed version, yet nothing is pending",
            changed[0],
            "Look whether an earlier run applied them, or the journal does not name them.",
        )


def _expression(glob: str) -> str:
    """Return the regular expression of a glob."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\{[^{}]*\})", glob)
    return "".join(_part(part) for part in parts)


def _part(part: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in fixed:
        return fixed[part]
    if part.startswith("{") and part.endswith("}"):
        return "(?:" + "|".join(map(re.escape, part[1:-1].split(","))) + ")"
    return re.escape(part)
