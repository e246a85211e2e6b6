"""Flows: order and branching only; what is decided and done lies in `tasks` and `rollout`."""
