"""The pages hold what they say: the settings' page is the code's."""

from __future__ import annotations

from deployments.settings import PAGE, page


def test_the_page_of_the_settings_is_what_the_code_says():
    assert PAGE.read_text() == page(), "write it anew: python -m deployments.settings"
