"""What is told of the rows that the reference seeds left."""

from __future__ import annotations

from rollout.migrations.seeded import compare_rows, seed_lines, seed_rows
from rollout.model.row_count import RowCount

BEFORE = (
    RowCount("public.ai_model", 0),
    RowCount("public.event", 1_200_000, is_exact=False),
    RowCount("public.note", 12),
)
AFTER = (
    RowCount("public.ai_model", 4),
    RowCount("public.event", 1_200_000, is_exact=False),
    RowCount("public.fresh", 1),
    RowCount("public.note", 12),
)


def test_each_table_that_changed_has_a_line_and_all_others_have_one():
    assert seed_lines(compare_rows(BEFORE, AFTER)) == (
        "seeds: public.ai_model: rows 0 -> 4",
        "seeds: public.fresh: rows not there -> 1",
        "seeds: 2 tables have as many rows as before: public.event about 1,200,000, public.note 12",
    )


def test_seeds_that_ran_before_change_nothing_and_that_is_told():
    assert seed_lines(compare_rows(AFTER[:1], AFTER[:1])) == (
        "seeds: 1 table has as many rows as before: public.ai_model 4",
    )


def test_a_line_stays_readable_with_many_tables():
    many = [RowCount(f"public.t{number:02}", number) for number in range(23)]

    (line,) = seed_lines(compare_rows(many, many))

    assert line.endswith("public.t19 19 and 3 more")


def test_the_table_for_people_has_those_that_changed_first():
    rows = seed_rows(compare_rows(BEFORE, AFTER))

    assert [row["table"] for row in rows] == [
        "public.ai_model",
        "public.fresh",
        "public.event",
        "public.note",
    ]
    assert rows[0] == {"table": "public.ai_model", "rows before": "0", "rows after": "4"}
    assert seed_rows(()) == [{"table": "the database has no table of the application's"}]
