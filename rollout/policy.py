"""What findings lead to: the environment's word on each rule, safe where it says nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Consequence = Literal["refuse", "warn", "allow"]


class Policy(BaseModel):
    """What each rule's findings lead to; the keys are the rules' names, with hyphens.

    Immutable, and an unknown key is an error.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-")
    )

    def consequence(self, rule: str) -> Consequence:
        """Return what a rule's finding leads to; a rule that is not listed is refused."""
        return getattr(self, rule.replace("-", "_"), "refuse")

    def knows(self, rule: str) -> bool:
        """Return whether a rule is one that can be lived with."""
        return rule.replace("-", "_") in type(self).model_fields


class MigrationRules(Policy):
    """What each rule's findings lead to; the keys are the rules' names, as in `docs/rules.md`.

    `refuse` applies nothing unless the request accepts the rule by name, `warn` shows them and goes
    on, `allow` leaves them out. Refused is what breaks the code that serves now or destroys data.

    Attributes:
        breaks_serving_code: A default goes, row level security is turned on, a privilege is
            revoked, a partition is detached.
        change_column_type: A type that the serving code does not expect, or that holds less.
        column_made_required: `SET NOT NULL` while the serving code may write NULL.
        constraint_not_valid: A check or a foreign key looks at every row of a large table.
        data_may_refuse: Whether the rows are in a statement's way cannot be told.
        data_refuses: The rows that are there are in a statement's way.
        destroys_data: `TRUNCATE` and `DELETE`.
        drop_column: The serving code names every column in each read and insert.
        drop_object: A table, view, type, function or schema goes.
        large_update: One statement writes many rows of a large table.
        may_break_serving_code: It depends on what the serving code does.
        no_rewrite_under_lock: A large table is written anew.
        not_null_without_default: A required column without a default: inserts of the serving code
            fail.
        opaque_statement: A DO block, a CALL, a function: what it does is not known.
        precheck_timeout: Asking the rows takes longer than `precheck_timeout_s`.
        rename: The serving code asks by the former name.
        require_concurrent_index: An index on a large table is built under a lock.
        session_setting: A setting that lasts beyond the migration.
        set_not_null_needs_check: `SET NOT NULL` looks at every row of a large table.
        transaction_control_in_file: `BEGIN` and `COMMIT` inside a file.
        unique_using_index: A unique constraint builds its index on a large table under a lock.
        work_after_exclusive_lock: What takes long runs while an earlier lock is held.
    """

    breaks_serving_code: Consequence = "refuse"
    change_column_type: Consequence = "refuse"
    column_made_required: Consequence = "refuse"
    constraint_not_valid: Consequence = "warn"
    data_may_refuse: Consequence = "warn"
    data_refuses: Consequence = "refuse"
    destroys_data: Consequence = "refuse"
    drop_column: Consequence = "refuse"
    drop_object: Consequence = "refuse"
    large_update: Consequence = "warn"
    may_break_serving_code: Consequence = "warn"
    no_rewrite_under_lock: Consequence = "warn"
    not_null_without_default: Consequence = "refuse"
    opaque_statement: Consequence = "warn"
    precheck_timeout: Consequence = "warn"
    rename: Consequence = "refuse"
    require_concurrent_index: Consequence = "warn"
    session_setting: Consequence = "warn"
    set_not_null_needs_check: Consequence = "warn"
    transaction_control_in_file: Consequence = "warn"
    unique_using_index: Consequence = "warn"
    work_after_exclusive_lock: Consequence = "warn"


class MigrationPolicy(Policy):
    """What each finding about migrations leads to; the keys are the rules' names.

    `refuse` applies nothing, `warn` says it and goes on, `allow` goes on silently. What leaves
    nothing to apply (no journal, a broken one, a zero byte) is always refused.

    Attributes:
        checksum_drift: A file was changed after it had been applied.
        unknown_migration: The database holds one that the commit does not know: it is ahead.
        mixed_layouts: Files or a table of Drizzle 1.0 stand beside those of the layout with a
            journal.
        entry_without_file: The journal names a file that is not there.
        byte_order_mark: A file begins with one, which PostgreSQL does not take.
        not_utf8: A file is no UTF-8.
        own_transaction: `ROLLBACK` and the like inside a file; `BEGIN` and `COMMIT` are planned.
        leads_back: A pending file is called `*.down.sql`: it would be applied like any other.
        unnamed_index: `CREATE INDEX CONCURRENTLY` without a name: a repetition makes a second one.
        several_transactions: A file that cannot be one transaction: `CONCURRENTLY`, `COMMIT`.
        out_of_order: One is dated before the newest applied one. Drizzle's own migrator would skip
            it for ever; it is applied.
        equal_when: Two have the same date.
        journal_out_of_order: A later entry is dated earlier.
        file_without_entry: The journal does not name a file, so it is never applied.
        index_gap: The journal's count misses a number.
        two_heads: Two branches were merged, and neither snapshot knows the other.
        duplicate_content: Two have the same text.
        double_row: The database holds one twice: two migrators ran at once.
        empty_file: A file says nothing.
        crlf: A file has Windows' line ends, so its hash differs.
        pending_without_change: Something is pending though nothing of `watch` changed.
        change_without_pending: Something of `watch` changed and nothing is pending.
    """

    checksum_drift: Consequence = "refuse"
    unknown_migration: Consequence = "refuse"
    mixed_layouts: Consequence = "refuse"
    entry_without_file: Consequence = "refuse"
    byte_order_mark: Consequence = "refuse"
    not_utf8: Consequence = "refuse"
    own_transaction: Consequence = "refuse"
    leads_back: Consequence = "refuse"
    unnamed_index: Consequence = "refuse"
    several_transactions: Consequence = "warn"
    out_of_order: Consequence = "warn"
    equal_when: Consequence = "warn"
    journal_out_of_order: Consequence = "warn"
    file_without_entry: Consequence = "warn"
    index_gap: Consequence = "warn"
    two_heads: Consequence = "warn"
    duplicate_content: Consequence = "warn"
    double_row: Consequence = "warn"
    empty_file: Consequence = "warn"
    crlf: Consequence = "warn"
    pending_without_change: Consequence = "warn"
    change_without_pending: Consequence = "warn"


class DryRunPolicy(Policy):
    """What each finding of the dry run leads to; the keys are the rules' names.

    `contract-break` and `contract-risk` stand for all rules of `docs/contract.md`.

    Attributes:
        no_dry_run: There is no scratch server, or no copy could be made.
        dry_run_fails: A migration fails on the copy.
        scratch_differs: The copy is not quite the live schema: a role or a setting is missing.
        no_serving_contract: The release that serves has no schema contract; the live schema stands
            in for it.
        contract_break: The serving code, or the new one, cannot live with the schema.
        contract_risk: Whether it can depends on what it does.
        schema_drift: The live schema did not become what the copy became: somebody else changes it.
        drift_breaks: The same, and the new code cannot live with it; the old release goes on
            serving.
    """

    no_dry_run: Consequence = "warn"
    dry_run_fails: Consequence = "refuse"
    scratch_differs: Consequence = "warn"
    no_serving_contract: Consequence = "warn"
    contract_break: Consequence = "refuse"
    contract_risk: Consequence = "warn"
    schema_drift: Consequence = "warn"
    drift_breaks: Consequence = "refuse"


class ManifestPolicy(Policy):
    """What each finding about variables and secrets leads to; the keys are the rules' names.

    `refuse` fails quality, `warn` says it and goes on, `allow` goes on silently.

    Attributes:
        variable_undeclared: A file names a variable that the environment's file does not declare.
        variable_unnamed: A variable is declared, and none of the files that should say so does.
        public_not_built: Browsers need a variable, and no build argument gives it.
        extra_in_list: A list of secrets has one that the environment's file does not declare.
        missing_in_list: A secret is declared, and a list of secrets lacks it.
        file_absent: `[manifest]` names a file that the commit does not have.
    """

    variable_undeclared: Consequence = "refuse"
    variable_unnamed: Consequence = "warn"
    public_not_built: Consequence = "refuse"
    extra_in_list: Consequence = "refuse"
    missing_in_list: Consequence = "warn"
    file_absent: Consequence = "warn"
