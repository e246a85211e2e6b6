"""Where the rehearsal's environment expects GitHub, and the secret that holds the token for it."""

from __future__ import annotations

from pathlib import Path

from infra.rehearsal import facts as places
from infra.rehearsal.google import stored
from tests.support.world import facts

ADDRESS = (places.PIPELINE, 8931)
SECRET = "trovella-github-token"


def new_token(token: str) -> str:
    """Give the secret of the token a version, the first time the secret itself."""
    name = f"projects/{facts()['secrets_project']}/secrets/{SECRET}"
    with stored(Path(facts()["google_store"])) as store:
        if name not in store.secrets:
            store.create(name)
        store.add(name, token)
    return token
