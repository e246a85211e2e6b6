"""Loading a block by its name, with errors of our own."""

from __future__ import annotations

from typing import TypeVar, cast

from prefect.blocks.core import Block
from pydantic import ValidationError

from rollout.errors import ConfigInvalid

B = TypeVar("B", bound=Block)

DOCUMENTATION_URL = "https://docs.prefect.io/v3/concepts/blocks"


def load_block(kind: type[B], name: str) -> B:
    """Return a saved block.

    Args:
        kind: The block's class.
        name: The name that it was saved under.

    Raises:
        ConfigInvalid: When there is no block of that class and name, or when what was saved is not
            what the class needs; names the field and never its value. Also when it wants the
            credentials of this machine's account, and there are none.
    """
    path = f"block {kind.get_block_type_slug()}/{name}"
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - import cost, as in blocks

    try:
        return cast("B", kind.load(name))  # typed as if it might be awaited; here it never is
    except ValidationError as error:
        raise ConfigInvalid(path, first_problem(error)) from None
    except GoogleAuthError as error:
        raise ConfigInvalid(path, f"its credentials cannot be used: {error}") from None
    except ValueError as error:
        raise ConfigInvalid(path, f"cannot be loaded: {error}") from None
    except RuntimeError as error:  # what Prefect raises for fields that the saved block lacks
        raise ConfigInvalid(path, first_problem(error.__cause__ or error)) from None


def first_problem(error: BaseException) -> str:
    """Return what is wrong as `field problem`, without any value that was given."""
    if not isinstance(error, ValidationError):
        return "was saved by another version of this project; save it again"
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in problem["loc"]) or "it"
    message = "is missing" if problem["type"] == "missing" else problem["msg"]
    return f"{field} {message.removeprefix('Value error, ')}"
