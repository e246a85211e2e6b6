"""Whatever goes wrong once a release is activated is an error in three parts."""

from __future__ import annotations

import pytest

from rollout.decide.defects import telling_defects
from rollout.errors import ActivationFailed, VerificationFailed


def test_a_defect_is_told_in_three_parts():
    with pytest.raises(ActivationFailed) as raised, telling_defects():
        raise KeyError("digest")

    assert raised.value.true == "the task ended by KeyError"
    assert "\nleft: What it did on the host is unknown" in str(raised.value)
    assert "\nnext: Read the task's log" in str(raised.value)
    assert isinstance(raised.value.__cause__, KeyError)


def test_an_error_of_the_domain_passes_as_it_is():
    error = VerificationFailed("it is not seen", next_step="Look.")

    with pytest.raises(VerificationFailed) as raised, telling_defects():
        raise error

    assert raised.value is error


def test_a_signal_that_ends_the_run_passes():
    with pytest.raises(KeyboardInterrupt), telling_defects():
        raise KeyboardInterrupt
