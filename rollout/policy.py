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
    """

    checksum_drift: Consequence = "refuse"
    unknown_migration: Consequence = "refuse"
    mixed_layouts: Consequence = "refuse"
    entry_without_file: Consequence = "refuse"
    byte_order_mark: Consequence = "refuse"
    not_utf8: Consequence = "refuse"
    own_transaction: Consequence = "refuse"
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
    """

    variable_undeclared: Consequence = "refuse"
    variable_unnamed: Consequence = "warn"
    public_not_built: Consequence = "refuse"
    extra_in_list: Consequence = "refuse"
    missing_in_list: Consequence = "warn"
    file_absent: Consequence = "warn"
