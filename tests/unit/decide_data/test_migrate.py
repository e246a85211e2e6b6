"""Which migrations are applied: the files against what the database holds."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.decide.migrate import (
    Applied,
    decide_migrations,
    verify_applied,
    watch_hits,
)
from rollout.migrations.journal import Journal, Migration, split_statements
from rollout.model.finding import Finding, Go, Refuse
from rollout.policy import MigrationPolicy


def file(tag: str, when: int, text: str = "", name: str | None = None) -> Migration:
    parts = split_statements(text or "select 1;")
    return Migration(tag, when, f"hash of {text or tag}", parts, text, name)


def row(number: int, migration: Migration, **changed: object) -> Applied:
    facts: dict[str, object] = {
        "hash": migration.hash,
        "created_at": migration.when,
        "name": migration.name,
    }
    return Applied(number, **{**facts, **changed})  # pyright: ignore[reportArgumentType]


A, B, C = file("0000_a", 1000), file("0001_b", 2000), file("0002_c", 3000)
ALL = Journal((A, B, C))


def tags(migrations: tuple[Migration, ...]) -> list[str]:
    return [migration.tag for migration in migrations]


def rules(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in findings]


def test_an_empty_database_lacks_everything():
    plan = decide_migrations(ALL, (), None)

    assert plan.pending == (A, B, C)
    assert plan.verdict == Go()
    assert plan.seed_expected
    assert plan.describe() == "pending: 0000_a, 0001_b, 0002_c"
    assert not plan.is_empty


def test_a_database_that_has_everything_leaves_nothing_to_do():
    plan = decide_migrations(ALL, (row(1, A), row(2, B), row(3, C)), ())

    assert plan.is_empty
    assert plan.describe() == "nothing pending"


def test_changed_seeds_alone_are_something_to_do():
    plan = decide_migrations(ALL, (row(1, A), row(2, B), row(3, C)), ("db/seeds/models.json",))

    assert plan.pending == ()
    assert plan.seed_expected
    assert not plan.is_empty


def test_a_file_that_came_in_late_is_applied_and_told():
    plan = decide_migrations(ALL, (row(1, A), row(2, C)), ("db/0001_b.sql",))

    assert plan.pending == (B,)
    assert rules(plan.findings) == [("out-of-order", "0001_b.sql")]
    assert isinstance(plan.verdict, Go)


def test_a_changed_file_is_refused():
    plan = decide_migrations(ALL, (row(1, A, hash="hash of another text"),), None)

    assert isinstance(plan.verdict, Refuse)
    assert rules(plan.findings) == [("checksum-drift", "0000_a.sql")]
    assert plan.describe() == (
        "refused: the file was changed after it had been applied, so the database differs from it"
    )
    assert not plan.is_empty


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_checkout_that_only_changed_line_ends_is_refused_as_that(ends: str):
    checked_out = "select 1;\nselect 2;\n".replace("\n", ends)
    other = checked_out.replace("\r\n", "\n") if ends == "\r\n" else "select 1;\r\nselect 2;\r\n"
    applied = row(1, A, hash=sha256(other.encode()).hexdigest())
    plan = decide_migrations(Journal((file("0000_a", 1000, checked_out),)), (applied,), None)

    assert rules(plan.findings) == [("checksum-drift", "0000_a.sql")]
    assert plan.describe().startswith("refused: it was applied with other line ends")


def test_a_database_ahead_of_the_commit_is_refused():
    plan = decide_migrations(Journal((A,)), (row(1, A), row(2, B)), None)

    assert isinstance(plan.verdict, Refuse)
    assert rules(plan.findings) == [
        ("unknown-migration", "row 2 (hash hash of 0001, created_at 2000)")
    ]


def test_a_file_that_was_dated_anew_is_known_by_its_hash():
    plan = decide_migrations(ALL, (row(1, A, created_at=77), row(2, B), row(3, C)), ())

    assert plan.is_empty


def test_a_row_made_by_hand_without_a_date_is_known_by_its_hash():
    plan = decide_migrations(Journal((A,)), (row(1, A, created_at=None),), ())

    assert plan.is_empty


def test_a_row_made_by_hand_without_a_date_and_another_hash_is_unknown():
    plan = decide_migrations(Journal((A,)), (row(1, A, created_at=None, hash="x"),), ())

    assert rules(plan.findings)[0] == ("unknown-migration", "row 1 (hash x, created_at None)")


def test_two_files_with_one_text_are_told_apart_by_their_dates():
    twin = file("0001_twin", 2000, "0000_a")
    journal = Journal((file("0000_a", 1000, "0000_a"), twin))

    assert decide_migrations(journal, (row(1, journal.migrations[0]),), None).pending == (twin,)
    assert decide_migrations(journal, (row(1, twin),), None).pending == (journal.migrations[0],)


def test_what_is_wrong_with_the_folder_is_all_that_is_told():
    problem = Finding("broken-journal", "the journal cannot be read", "meta/_journal.json", "Fix.")

    plan = decide_migrations(Journal((), (problem,)), (row(1, A),), None)

    assert plan.findings == (problem,)
    assert plan.verdict == Refuse((problem,))


def test_warnings_about_files_applied_long_ago_are_not_repeated():
    old, new, gap = (
        Finding(rule, "is odd", where, "Look.")
        for rule, where in (("crlf", "0000_a.sql"), ("crlf", "0001_b.sql"), ("index-gap", "x.sql"))
    )
    journal = Journal((A, B), warnings=(old, new, gap))

    assert decide_migrations(journal, (row(1, A),), None).findings == (new, gap)


def test_a_cancelled_run_does_not_lose_its_migration():
    plan = decide_migrations(ALL, (row(1, A), row(2, B)), ())

    assert tags(plan.pending) == ["0002_c"]
    assert rules(plan.findings) == [("pending-without-change", "0002_c")]


def test_changed_migration_files_with_nothing_pending_are_told():
    plan = decide_migrations(Journal((A,)), (row(1, A),), ("db/0000_a.sql", "db/schema.ts"))

    assert rules(plan.findings) == [("change-without-pending", "db/0000_a.sql")]


@pytest.mark.parametrize(
    "text",
    [
        "/* a */ Rollback;",
        "select 1; abort;",
        "-- why\nbegin isolation level serializable;",
        "start transaction read only",
        "prepare transaction 'x'",
        "commit prepared 'x'",
    ],
)
def test_a_pending_file_that_handles_a_transaction_in_no_plain_way_is_refused(text: str):
    plan = decide_migrations(Journal((file("0000_a", 1, text),)), (), None)

    assert rules(plan.findings) == [("own-transaction", "0000_a.sql, statement 1")]
    assert isinstance(plan.verdict, Refuse)


def test_a_pending_file_that_commits_is_planned_and_told():
    text = "create table a ();\n--> statement-breakpoint\ncommit; vacuum;"

    plan = decide_migrations(Journal((file("0000_a", 1, text),)), (), None)

    assert rules(plan.findings) == [("several-transactions", "0000_a.sql")]
    assert isinstance(plan.verdict, Go)


@pytest.mark.parametrize("text", ["do $$ begin end $$;", "select 'commit';", "comment on x", ""])
def test_words_elsewhere_are_no_transaction(text: str):
    assert isinstance(decide_migrations(Journal((file("a", 1, text),)), (), None).verdict, Go)


def test_a_pending_file_that_leads_back_is_refused_by_its_name():
    up, down, old = file("0002_b", 2), file("0002_b.down", 1), file("0001_a.down", 0)

    plan = decide_migrations(Journal((old, down, up)), (row(1, old),), None)

    assert rules(plan.findings) == [("leads-back", "0002_b.down.sql")]
    assert isinstance(plan.verdict, Refuse)
    assert plan.verdict.findings[0].help == (
        "Move files that lead back out of the folder, for instance into one below it."
    )


def test_an_applied_file_may_have_handled_its_own_transaction():
    old = file("0000_a", 1, "commit;")

    assert decide_migrations(Journal((old,)), (row(1, old),), ()).is_empty


class TestPolicy:
    """What the environment's file says about a finding."""

    drifted = (row(1, A, hash="another"),)

    def decide(self, journal: Journal, applied: tuple[Applied, ...], **said: str):
        policy = MigrationPolicy.model_validate({k.replace("_", "-"): v for k, v in said.items()})
        return decide_migrations(journal, applied, (), policy)

    def test_warn_goes_on_and_says_it(self):
        plan = self.decide(Journal((A, B)), self.drifted, checksum_drift="warn")

        assert isinstance(plan.verdict, Go)
        assert ("checksum-drift", "0000_a.sql") in rules(plan.verdict.findings)
        assert plan.pending == (B,)

    def test_allow_goes_on_silently(self):
        plan = self.decide(Journal((A,)), self.drifted, checksum_drift="allow")

        assert plan.verdict == Go()
        assert plan.is_empty

    def test_a_warning_may_be_made_to_refuse(self):
        plan = self.decide(ALL, (row(1, C),), out_of_order="refuse")

        assert isinstance(plan.verdict, Refuse)
        assert rules(plan.verdict.findings) == [
            ("out-of-order", "0000_a.sql"),
            ("out-of-order", "0001_b.sql"),
        ]
        assert ("pending-without-change", "0000_a, 0001_b") in rules(plan.findings)

    def test_everything_is_told_at_once(self):
        missing = Finding("entry-without-file", "is missing", "0009_z.sql", "Commit it.")
        journal = Journal((A, B), problems=(missing,))

        plan = decide_migrations(journal, (row(1, A, hash="x"), row(2, A, hash="x"), row(3, C)), ())

        assert [rule for rule, _ in rules(plan.findings)] == [
            "entry-without-file",
            "checksum-drift",
            "checksum-drift",
            "unknown-migration",
            "out-of-order",
            "double-row",
            "pending-without-change",
        ]
        assert isinstance(plan.verdict, Refuse)
        assert len(plan.verdict.findings) == 4

    def test_an_unknown_rule_is_refused(self):
        assert MigrationPolicy().consequence("never-heard-of") == "refuse"

    def test_what_leaves_nothing_to_apply_has_no_policy(self):
        assert not MigrationPolicy().knows("broken-journal")
        assert not MigrationPolicy().knows("null-byte")


class TestDrizzle1:
    """Folders with names, and tables that hold them."""

    first = file("20250101000000_a", 1735689600000, name="20250101000000_a")

    def test_a_row_is_known_by_its_name(self):
        plan = decide_migrations(Journal((self.first,)), (row(1, self.first, created_at=5),), ())

        assert plan.is_empty

    def test_a_renamed_folder_is_known_by_its_hash(self):
        renamed = file("20250101000000_b", 1735689600000, "20250101000000_a", "20250101000000_b")

        assert decide_migrations(Journal((renamed,)), (row(1, self.first),), ()).is_empty

    def test_a_row_of_the_older_layout_is_known_to_the_second(self):
        before = row(1, self.first, created_at=1735689600178, name=None, hash="another")

        plan = decide_migrations(Journal((self.first,)), (before,), ())

        assert rules(plan.findings) == [("checksum-drift", "20250101000000_a/migration.sql")]

    def test_files_of_the_older_layout_under_a_newer_table_are_refused(self):
        plan = decide_migrations(Journal((A,)), (row(1, A, name="20250101000000_a"),), ())

        assert rules(plan.findings) == [("mixed-layouts", "meta/_journal.json")]


def test_all_there_is_verified_by_identity():
    assert verify_applied(ALL, (row(1, A), row(2, B), row(3, C))) == Go()


def test_a_count_that_fits_by_accident_is_not_enough():
    verdict = verify_applied(ALL, (row(1, A), row(2, B), row(3, B)))

    assert isinstance(verdict, Refuse)
    assert rules(verdict.findings) == [("migration-missing", "0002_c.sql")]


def test_a_row_that_stands_twice_is_told():
    verdict = verify_applied(Journal((A,)), (row(1, A), row(2, A)))

    assert isinstance(verdict, Go)
    assert rules(verdict.findings) == [("double-row", "0000_a.sql")]
    assert verdict.findings[0].consequence == "the table of migrations holds it 2 times"


@given(st.integers(0, 6), st.sets(st.integers(0, 5)))
def test_deciding_again_after_applying_leaves_nothing(count: int, there: set[int]):
    files = tuple(file(f"{n:04}_x", 1000 * n) for n in range(count))
    applied = tuple(row(n + 1, files[n]) for n in sorted(there) if n < count)
    plan = decide_migrations(Journal(files), applied, ())

    after = (*applied, *(row(100 + n, done) for n, done in enumerate(plan.pending)))

    assert decide_migrations(Journal(files), after, ()).is_empty
    assert verify_applied(Journal(files), after) == Go()


WATCH = ("packages/db/src/{migrations,schema,seed,seeds}/**", "packages/db/src/seed.*", "a?/*.sql")


@pytest.mark.parametrize(
    ("path", "hit"),
    [
        ("packages/db/src/migrations/0001.sql", True),
        ("packages/db/src/migrations/meta/_journal.json", True),
        ("packages/db/src/seeds/models/reference.json", True),
        ("packages/db/src/seed.ts", True),
        ("packages/db/src/seeding/x", False),
        ("packages/db/src/migrate.ts", False),
        ("x/packages/db/src/seed.ts", False),
        ("ab/x.sql", True),
        ("ab/c/x.sql", False),
        ("a/x.sql", False),
        ("ab/xasql", False),
    ],
)
def test_globs(path: str, hit: bool):
    assert watch_hits(WATCH, [path]) == ((path,) if hit else ())


def test_a_double_star_folder_may_be_none_at_all():
    assert watch_hits(["db/**/*.sql"], ["db/a.sql", "db/x/y/a.sql", "db/a.ts"]) == (
        "db/a.sql",
        "db/x/y/a.sql",
    )


def test_a_table_of_names_tells_files_by_them():
    named = (Applied(1, "", None, "0000_a"), Applied(2, "", None, "0009_z"))

    plan = decide_migrations(ALL, named, None)

    assert plan.pending == (B, C)
    assert rules(plan.findings) == [("unknown-migration", "row 2 (0009_z)")]
    assert isinstance(plan.verdict, Refuse)


def test_a_table_of_names_holds_exactly_what_the_files_are_called():
    named = tuple(Applied(number, "", None, one.tag) for number, one in enumerate((A, B, C)))

    assert verify_applied(ALL, named) == Go()
    missing = verify_applied(ALL, named[:2])
    assert rules(missing.findings) == [("migration-missing", "0002_c.sql")]
    assert decide_migrations(ALL, named, ()).is_empty
