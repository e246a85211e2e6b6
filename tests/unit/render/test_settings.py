"""The reference of the settings: all that a class knows of them, and nothing undescribed."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from rollout.errors import ConfigInvalid
from rollout.render.settings import render_tables


class Wheel(BaseModel):
    """One of the wheels.

    Attributes:
        tyre: What is on it: a `|` too.
        spokes: How many.
    """

    tyre: str = "air"
    spokes: Annotated[int, Field(gt=3, le=40)]


class Brake(BaseModel):
    """What stops it.

    It may be left to the rider; `docs/rules.md` says when.

    Attributes:
        hard_stop: How it feels.
        after_s: When it begins, in
            seconds.
        shoes: What wears off.
    """

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_stop", "-stop"))

    hard_stop: Literal["soft", "hard", "never"] = "soft"
    after_s: Annotated[float, Field(ge=0)] = 2
    shoes: tuple[Annotated[str, Field(pattern="^[a-z]+$")], ...] = ()


class Cart(BaseModel):
    """A cart.

    Attributes:
        name: Its name.
        wheels: What it rolls on.
        brake: What stops it.
    """

    name: str | None = None
    wheels: tuple[Wheel, ...] = ()
    brake: Brake | None = None


PAGE = r"""### At the top of the file

A cart.

| setting | type | unit | default | what it is |
| --- | --- | --- | --- | --- |
| `name` | text |  | none | Its name. |

### `[[wheels]]`, one for each

One of the wheels.

| setting | type | unit | default | what it is |
| --- | --- | --- | --- | --- |
| `tyre` | text |  | `"air"` | What is on it: a `\|` too. |
| `spokes` | whole number, over 3, at most 40 |  | **needed** | How many. |

### `[brake]`, may be left out

What stops it.

It may be left to the rider; [docs/rules.md](rules.md) says when.

| setting | type | unit | default | what it is |
| --- | --- | --- | --- | --- |
| `hard-stop` | `"soft"`, `"hard"` or `"never"` |  | `"soft"` | How it feels. |
| `after_s` | number, at least 0 | seconds | `2` | When it begins, in seconds. |
| `shoes` | list of text, `^[a-z]+$` |  | `[]` | What wears off. |"""


def test_each_table_has_its_settings_with_type_unit_default_and_meaning():
    assert render_tables(Cart) == PAGE


def test_a_setting_that_its_class_does_not_describe_is_refused():
    class Bell(BaseModel):
        """What rings.

        Attributes:
            tone: How it sounds.
        """

        sound: str

    with pytest.raises(ConfigInvalid, match=r"Bell.*differ: \['sound', 'tone'\]"):
        render_tables(Bell)
