"""An automation that is as it should be is recognised, however the server has written it."""

from __future__ import annotations

import json
from itertools import permutations

from prefect.events.schemas.automations import AutomationCore

from deployments.automations import _what_it_does, _zombies


def test_the_order_of_what_it_waits_for_makes_no_difference():
    wanted = _zombies(90)
    written = json.loads(wanted.model_dump_json())

    for order in permutations(written["trigger"]["after"]):
        written["trigger"]["after"] = list(order)
        found = AutomationCore.model_validate_json(json.dumps(written))
        assert _what_it_does(found) == _what_it_does(wanted)

    assert _what_it_does(_zombies(180)) != _what_it_does(wanted)
