"""All rules, one a file. A new one is entered here, in `docs/rules.md` and in `MigrationRules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.rules import (
    breaks_serving_code,
    change_column_type,
    column_made_required,
    constraint_not_valid,
    destroys_data,
    drop_column,
    drop_object,
    large_update,
    may_break_serving_code,
    no_rewrite_under_lock,
    not_null_without_default,
    opaque_statement,
    rename,
    require_concurrent_index,
    session_setting,
    set_not_null_needs_check,
    transaction_control_in_file,
    unique_using_index,
    work_after_exclusive_lock,
)

if TYPE_CHECKING:
    from rollout.migrations.rule import Rule

RULES: tuple[Rule, ...] = (
    breaks_serving_code.RULE,
    change_column_type.RULE,
    column_made_required.RULE,
    constraint_not_valid.RULE,
    destroys_data.RULE,
    drop_column.RULE,
    drop_object.RULE,
    large_update.RULE,
    may_break_serving_code.RULE,
    no_rewrite_under_lock.RULE,
    not_null_without_default.RULE,
    opaque_statement.RULE,
    rename.RULE,
    require_concurrent_index.RULE,
    session_setting.RULE,
    set_not_null_needs_check.RULE,
    transaction_control_in_file.RULE,
    unique_using_index.RULE,
    work_after_exclusive_lock.RULE,
)
