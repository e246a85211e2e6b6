"""What runs are called in lists, in notifications and at the top of their page."""

from __future__ import annotations

from rollout.model.release import SHORT_LENGTH

_COMMIT_LENGTH = 40


def deploy_name(commit: str, environment: str) -> str:
    """Return what a deploy's run is called; a whole commit is shortened, as everywhere else.

    Example:
        >>> deploy_name("c0ffee" * 6 + "beef", "production")
        'deploy c0ffeec0ffee to production'
        >>> deploy_name("main", "production")
        'deploy main to production'
    """
    return f"deploy {_short(commit)} to {environment}"


def rollback_name(environment: str, to: str) -> str:
    """Return what a rollback's run is called.

    Args:
        environment: Its name.
        to: The release that was asked for; empty for the last good one.

    Example:
        >>> rollback_name("production", "12 c0ffeec0ffee")
        'rollback production to 12 c0ffeec0ffee'
        >>> rollback_name("production", "")
        'rollback production to the last good release'
    """
    return f"rollback {environment} to {_short(to) or 'the last good release'}"


def promote_name(environment: str, release: str) -> str:
    """Return what a promotion's run is called.

    Args:
        environment: Where it goes to.
        release: The release that was asked for; empty for the one that serves where it comes from.

    Example:
        >>> promote_name("production", "12")
        'promote 12 to production'
        >>> promote_name("production", "")
        'promote what is verified to production'
    """
    return f"promote {_short(release) or 'what is verified'} to {environment}"


def _short(words: str) -> str:
    return words[:SHORT_LENGTH] if len(words) == _COMMIT_LENGTH else words
