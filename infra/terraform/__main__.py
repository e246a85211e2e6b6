"""`python -m infra.terraform`: writes what Terraform reads into infra/terraform/generated/."""

from __future__ import annotations

from pathlib import Path

from infra.terraform.rendering import render_facts, render_startup_script
from rollout.config import parse_environment

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "deployments/production.toml"
GENERATED = ROOT / "infra/terraform/generated"


def rendered() -> dict[str, str]:
    """Return name to text of each file, as the environment's file and the bootstrap have it now."""
    environment = parse_environment(str(SOURCE), SOURCE.read_text())
    return {
        "production.json": render_facts(environment),
        "startup.sh": render_startup_script(environment.application),
    }


def main() -> None:
    """Write them, and say which."""
    for name, text in rendered().items():
        (GENERATED / name).write_text(text)
        print(f"infra/terraform/generated/{name}: written")


if __name__ == "__main__":
    main()
