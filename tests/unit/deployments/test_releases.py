"""What `bin/releases` answers before it has reached anything."""

from __future__ import annotations

import pytest

from deployments.releases import main


def test_an_unknown_environment_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert main(["nowhere"]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(
        "releases: environment: deployments/nowhere.toml does not exist; known are "
    )
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("limit", ["0", "-1", "many", ""])
def test_a_limit_that_is_none(limit: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main([f"--limit={limit}"])

    assert caught.value.code == 2
    assert f"should be a number from 1 on, not {limit!r}" in capsys.readouterr().err
