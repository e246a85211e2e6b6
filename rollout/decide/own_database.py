"""Decides whether an earlier release would use the database whose schema was looked at.

A release keeps its own `.env`. Where the application went over to another database since, an
earlier release would go on with the former one, unseen: the schema that its code is judged by is
the new one's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.release import Release

OTHER_DATABASE = "other-database"


def database_of(settings: Environment) -> dict[str, str]:
    """Return the variables that say which database the application uses, with their values."""
    return {name: settings.settings[name] for name in settings.migrations.database_settings}


def judge_database(release: Release, settings: Environment) -> Verdict:
    """Return whether an earlier release uses the database that the environment's file names.

    A release from before that was written down is not judged.

    Args:
        release: The earlier release.
        settings: The environment.
    """
    now = database_of(settings)
    others = [
        f"{name} is {was} in its .env, and {now[name]} by now"
        for name, was in release.database.items()
        if name in now and now[name] != was
    ]
    if not others:
        return Go()
    finding = Finding(
        OTHER_DATABASE,
        f"release {release.number} uses another database than the one whose schema was looked at: "
        f"{'; '.join(others)}",
        f"deployments/{settings.name}.toml",
        "Roll back with secrets=newest, which gives that release the settings of now as well.",
    )
    return Refuse((finding,))
