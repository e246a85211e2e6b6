"""How a CI job logs in to Prefect's API without a secret of its own.

The server's login lies in Secret Manager; the job is known to Google by Workload Identity
Federation and reads it there.
"""

from __future__ import annotations

import os
import re
from typing import Any, cast

from rollout.errors import ConfigInvalid

VARIABLE = "PREFECT_AUTH_SECRET"
_NAME = re.compile(r"projects/([a-z0-9-]+)/secrets/([A-Za-z0-9_-]+)\Z")


def read_login() -> str:
    """Return the login `user:password` that `PREFECT_AUTH_SECRET` names; empty without it.

    Raises:
        ConfigInvalid: When the variable names no secret, or the job is not known to Google.
        SecretUnusable: When the secret is missing, disabled, empty or forbidden.
    """
    name = os.environ.get(VARIABLE, "")
    if not name:
        return ""
    found = _NAME.match(name)
    if found is None:
        raise ConfigInvalid(VARIABLE, "should be projects/<project>/secrets/<secret>")
    project, secret = found.groups()
    return _read(project, secret)


def _read(project: str, secret: str) -> str:
    # Imported here for the second it costs: most triggers need no login.
    import google.auth as google  # noqa: PLC0415
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415
    from google.cloud.secretmanager import SecretManagerServiceClient  # noqa: PLC0415

    from rollout.executors.secrets import SecretStore  # noqa: PLC0415

    try:
        identity = cast("Any", google).default()[0]
    except DefaultCredentialsError as error:
        raise ConfigInvalid(
            VARIABLE, f"cannot be read by a job without identity: {error}"
        ) from None
    client = SecretManagerServiceClient(credentials=identity)
    return SecretStore(project, client).read((secret,))[secret].value.reveal()
