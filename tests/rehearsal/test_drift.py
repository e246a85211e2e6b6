"""drift names what somebody changed by hand, all of it in one run, and says it once."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.world import commit, facts, on_host, serving_version, trigger

pytestmark = pytest.mark.rehearsal

HERE = "/opt/trovella"
COMPOSE = f"docker compose --project-name trovella --env-file {HERE}/.env"
# The same image under a name that no release knows.
OTHER_IMAGE = f"""
cd {HERE}
image=$(docker inspect --format '{{{{.Config.Image}}}}' $(docker ps -q --filter name=typesense))
docker tag "$image" typesense/typesense:by-hand
sed 's|image: typesense/.*|image: typesense/typesense:by-hand|' docker-compose.prod.yml >by-hand.yml
{COMPOSE} -f by-hand.yml up --detach --no-deps typesense
"""


@pytest.fixture
def serving() -> str:
    """Return what serves; on a bare host a good commit is deployed first."""
    if "web-r" in on_host(f"cat {HERE}/proxy/live 2>/dev/null || true"):
        return serving_version()
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return version


def test_what_was_changed_by_hand_is_told_once(serving: str):
    # Whatever the tests before it have left is told by now.
    trigger("drift")
    before = trigger("drift")
    assert before.exit_code == 0, before.message

    with psycopg.connect(facts()["database_url"], autocommit=True) as connection:
        on_host(f"echo '# by hand' >>{HERE}/Caddyfile")
        on_host(OTHER_IMAGE)
        connection.execute("ALTER TABLE ai_model ADD COLUMN by_hand text")
        try:
            first, second = trigger("drift"), trigger("drift")
        finally:
            connection.execute("ALTER TABLE ai_model DROP COLUMN by_hand")
            on_host(f"rm {HERE}/by-hand.yml")
    # What the drift's message advises: the version that serves, once more.
    again = trigger("deploy", commit=serving)
    after = trigger("drift")

    assert (first.exit_code, first.state) == (1, "Drifted"), first.log
    for told in (
        "file Caddyfile: expected as release ",
        "image of container typesense: expected typesense/typesense:27.1, seen "
        "typesense/typesense:by-hand",
        "schema public.ai_model.by_hand: expected as release ",
        "\nleft: Nothing was changed; release ",
        "\nnext: ",
    ):
        assert told in first.message, first.message
    assert (second.exit_code, second.state) == (0, "Completed"), second.message
    assert "still so, as told before: " in second.message
    assert "by-hand" in second.message
    assert again.exit_code == 0, again.log
    assert (after.exit_code, "by-hand" in after.message) == (0, False), after.message
    assert serving_version() == serving
