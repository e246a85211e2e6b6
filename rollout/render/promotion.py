"""What people read before they approve a promotion, and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.render.report import plain

if TYPE_CHECKING:
    from rollout.model.promotion import Promoted, Prospect


def render_promotion(
    promoted: Promoted, prospect: Prospect, environment: str, answer: str = ""
) -> str:
    """Return what a promotion changes, as markdown.

    Args:
        promoted: What is promoted.
        prospect: What that changes.
        environment: The environment that it goes to.
        answer: What came of asking for approval; empty where nobody was asked yet, or at all.
    """
    former = f"`{prospect.deployed.short}`" if prospect.deployed else "nothing was deployed yet"
    migrations = ", ".join(f"`{plain(tag)}`" for tag in prospect.migrations) or "none"
    facts = {
        "commit": f"`{promoted.version.sha}`",
        "image": f"`{promoted.image.reference}`, as it was verified there; nothing is built",
        f"serves in {environment} now": former,
        f"migrations that {environment} gets": f"{migrations} (the table `migrations` has each "
        "statement)",
        **({"approval": plain(answer)} if answer else {}),
    }
    return "\n".join(
        (
            f"# Release {promoted.number} of {promoted.source} to {environment}",
            "",
            *(f"- **{name}:** {text}" for name, text in facts.items()),
            "",
        )
    )
