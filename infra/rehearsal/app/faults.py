"""The five ways in which a commit can be bad, each one a mistake that people make.

Each passes every phase before the one that it is named after (the faults of health and start
show in deploy-prod), so a rehearsal of a fault reaches the phase that it means to rehearse.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from infra.rehearsal.app.migrations import Snapshot, add_migration, plain_index, text_column
from infra.rehearsal.app.tree import Tree, replaced, text_of, with_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Fault: TypeAlias = Literal["health", "start", "migration", "quality", "build"]

_SEEDS = "packages/db/src/seeds/reference.json"


def _break_health(tree: Tree) -> Tree:
    """Return the tree with a setting that nobody gave production: it starts, and answers 500."""
    tree = replaced(
        tree,
        "packages/health/src/settings.js",
        "REQUIRED_IN_PRODUCTION = []",
        'REQUIRED_IN_PRODUCTION = ["SEARCH_REGION"]',
    )
    example = "apps/web/.env.example"
    return with_text(tree, example, text_of(tree, example) + "SEARCH_REGION=us-central1\n")


def _break_start(tree: Tree) -> Tree:
    """Return the tree with a server that the image names wrongly: its container exits at once."""
    return replaced(tree, "apps/web/Dockerfile", '/server.js"]', '/serve.js"]')


def _break_migration(tree: Tree) -> Tree:
    """Return the tree with a required column for a table that has rows in production only.

    On an empty database the migration and the seeds after it succeed, so quality passes. Its first
    statement succeeds everywhere: it shows whether a failed migration leaves anything behind.
    """
    tree = replaced(
        tree,
        "packages/db/src/schema/models.ts",
        "import { integer,",
        "import { index, integer,",
    )
    tree = replaced(
        tree,
        "packages/db/src/schema/models.ts",
        '  contextWindow: integer("context_window").notNull(),\n});',
        '  contextWindow: integer("context_window").notNull(),\n'
        '  providerSku: text("provider_sku").notNull(),\n'
        '}, (table) => [index("ai_model_provider_idx").on(table.provider)]);',
    )
    tree = with_text(tree, _SEEDS, _with_sku(text_of(tree, _SEEDS)))
    return add_migration(
        tree,
        "model_sku",
        (
            'CREATE INDEX "ai_model_provider_idx" ON "ai_model" USING btree ("provider");',
            'ALTER TABLE "ai_model" ADD COLUMN "provider_sku" text NOT NULL;',
        ),
        _reshape_models,
    )


def _reshape_models(snapshot: Snapshot) -> Snapshot:
    models = snapshot["tables"]["public.ai_model"]
    models["columns"]["provider_sku"] = text_column("provider_sku", required=True)
    models["indexes"]["ai_model_provider_idx"] = plain_index("ai_model_provider_idx", "provider")
    return snapshot


def _with_sku(seeds: str) -> str:
    tables = json.loads(seeds)
    for model in tables["ai_model"]:
        model["provider_sku"] = f"{model['provider']}/{model['id']}"
    return json.dumps(tables, indent=2) + "\n"


def _break_quality(tree: Tree) -> Tree:
    """Return the tree with a wrong heading: a unit test of the application notices."""
    return replaced(
        tree, "packages/content/src/greeting.js", "edition ${edition}", "edition ${edition + 1}"
    )


def _break_build(tree: Tree) -> Tree:
    """Return the tree with a build step whose script was never committed."""
    step = "RUN node packages/content/src/prerender.js\n"
    return replaced(tree, "apps/web/Dockerfile", "USER 1000:1000\n", f"{step}USER 1000:1000\n")


FAULTS: Mapping[Fault, Callable[[Tree], Tree]] = {
    "health": _break_health,
    "start": _break_start,
    "migration": _break_migration,
    "quality": _break_quality,
    "build": _break_build,
}
