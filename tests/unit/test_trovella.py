"""Production is Trovella's: its file against the facts of the wiki, and against the rehearsal's.

These hold `deployments/production.toml` to values of one company's: whoever makes that file theirs
deletes this one (docs/infrastructure.md).
"""

from __future__ import annotations

import tomllib

from rollout.config import DryRunPolicy, MigrationPolicy, MigrationRules
from rollout.executors.files import ENVIRONMENTS, read_environment
from tests.support.terraform import named


def test_production_names_the_nine_checks_of_the_wiki_and_secrets_by_trovella():
    production = read_environment("production")

    assert all(name.startswith("trovella-") for name in production.secrets.values())
    assert [check.name for check in production.quality.checks if check.name != "install"] == [
        "format",
        "lint",
        "dependency-graph",
        "dead-code",
        "duplication",
        "typecheck",
        "migrate",
        "test",
        "build",
    ]


def test_the_rehearsal_differs_from_production_only_where_it_must():
    production = tomllib.loads((ENVIRONMENTS / "production.toml").read_text())
    rehearsal = tomllib.loads((ENVIRONMENTS / "rehearsal.toml").read_text())

    # The rehearsal's authority gives certificates for 12 hours.
    limits = {**production["verify"]["limits"], "certificate_days": 0}
    assert rehearsal["verify"] == {**production["verify"], "limits": limits}
    for section in ("application", "secrets", "branch"):
        assert rehearsal[section] == production[section]


def test_productions_list_is_the_fourteen_secrets_of_the_wiki():
    production = read_environment("production")

    assert sorted(name.removeprefix("trovella-") for name in production.secrets.values()) == [
        "anthropic-api-key",
        "better-auth-secret",
        "better-auth-url",
        "database-url",
        "google-ai-api-key",
        "google-oauth-client-id",
        "google-oauth-client-secret",
        "inngest-event-key",
        "inngest-signing-key",
        "resend-api-key",
        "sentry-dsn",
        "typesense-api-key",
        "upstash-redis-token",
        "upstash-redis-url",
    ]
    assert read_environment("rehearsal").secrets == production.secrets


def test_the_token_that_uploads_source_maps_is_the_builds_alone():
    production = read_environment("production")

    assert production.build.secrets == {"SENTRY_AUTH_TOKEN": "trovella-sentry-auth-token"}
    assert read_environment("rehearsal").build.secrets == production.build.secrets


def test_no_rule_for_migrations_is_other_than_its_default():
    chosen = read_environment("production").migrations
    said = tomllib.loads((ENVIRONMENTS / "production.toml").read_text())["migrations"]

    assert chosen.policy == MigrationPolicy()
    assert list(said["policy"]) == [one.replace("_", "-") for one in MigrationPolicy.model_fields]
    for section, default in (("rules", MigrationRules()), ("dry-run", DryRunPolicy())):
        assert list(said[section]) == [one.replace("_", "-") for one in type(default).model_fields]
        for rule, consequence in said[section].items():
            assert consequence == default.consequence(rule), rule


def test_the_application_is_told_the_database_that_terraform_makes():
    production, root = read_environment("production"), named("", "variable")

    assert production.settings["CLOUD_SQL_CONNECTION_NAME"].split(":") == [
        root["production_project"]["default"],
        root["region"]["default"],
        production.migrations.backup_instance,
    ]
    project = root["production_project"]["default"]
    assert production.settings["GOOGLE_CLOUD_PROJECT"] == project


def test_users_reach_it_at_trovella_ai():
    assert read_environment("production").verify.url == "https://trovella.ai/api/health"
