"""The hosts of a target beside its first one, and how releases come to them: `[hosts]` of its file.

The first host, `target_host` of `[blocks]`, is the canary: it gets a release before all others, and
the target's lease and the releases' numbers lie there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Block = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Share = Annotated[str, Field(pattern=r"^([1-9][0-9]?|100)%$")]


class Hosts(BaseModel):
    """Which further hosts a target has, and how a release goes from the canary to them.

    Attributes:
        further: The blocks of the kind Target host, in the order in which they are switched; empty
            means that the target is one host.
        url: What a host itself is asked for, at its own address, where the public address leads to
            whichever host a balancer picks; empty takes verify's. Behind a balancer that ends TLS
            it begins with `http://`.
        batch: How many hosts are switched at once after the canary, or a share of all of them such
            as `25%`, rounded up.
        on_failure: What a host leads to whose new release is not seen serving: `all` takes every
            host back that was switched, `host` that one alone. A host that cannot be reached says
            nothing about the release: it is named, and the others go on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    further: tuple[Block, ...] = ()
    url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    batch: Annotated[int, Field(ge=1, le=1000)] | Share = 1
    on_failure: Literal["all", "host"] = "all"

    @model_validator(mode="after")
    def _each_is_named_once(self) -> Hosts:
        if len(set(self.further)) < len(self.further):
            raise ValueError("further should name each block once")
        return self
