"""What the rehearsal knows of the application."""

from __future__ import annotations

from dataclasses import fields

import pytest

from infra.rehearsal.facts import Passwords, secret_values
from rollout.executors.files import read_environment


@pytest.mark.parametrize("environment", ["rehearsal", "rehearsal-staging", "rehearsal-fleet"])
def test_the_rehearsal_has_a_value_for_each_secret_that_a_deploy_reads(environment: str):
    passwords = Passwords(**{field.name: field.name * 2 for field in fields(Passwords)})
    known = {f"trovella-{name}" for name in secret_values(passwords)}

    settings = read_environment(environment)
    of_the_build = (settings.build.secrets, settings.build.secret_args)
    asked = {name for names in (settings.secrets, *of_the_build) for name in names.values()}

    assert asked <= known
