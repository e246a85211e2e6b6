"""What `bin/schema` answers before it has reached anything."""

from __future__ import annotations

import pytest

from deployments.schema import main


@pytest.mark.parametrize("words", [["compare", "12"], ["candidates"]])
def test_an_unknown_environment_is_told_in_three_parts(
    words: list[str], capsys: pytest.CaptureFixture[str]
):
    assert main([*words, "--environment", "nowhere"]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    true, left, following = told.err.splitlines()
    assert true.startswith("schema: environment: deployments/nowhere.toml does not exist;")
    assert left == "left: Nothing was changed."
    assert following.startswith("next: ")


def test_no_draft_for_a_stack_whose_own_command_migrates(capsys: pytest.CaptureFixture[str]):
    assert main(["corrective", "12", "--environment", "notes"]) == 2

    assert "drafts are in Drizzle's layouts only" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["compare"], ["candidate"], ["candidates", "12"]])
def test_words_that_are_no_command(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(words)

    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: bin/schema")
