"""Flows: order and branching only; what is decided and done lies in `tasks` and `rollout`."""

from tasks.telling import tell_errors_once

tell_errors_once()
