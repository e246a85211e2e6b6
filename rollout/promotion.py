"""From where releases are promoted to an environment: `[promotion]` of its file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Promotion(BaseModel):
    """Which environment's verified releases are taken over, and whether a person is asked before.

    Attributes:
        source: The environment that they are verified in: a file in `deployments/`.
        approval: Whether a person has to say yes in the UI, once the plan is known.
        approval_timeout_s: How long there is to answer, in seconds; no answer in time is a no.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", alias="from")]
    approval: bool = True
    approval_timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 3600
