"""The environment's file: what it takes, and the one sentence it answers otherwise."""

from __future__ import annotations

import tomllib

import pytest

from rollout.config import DryRunPolicy, MigrationPolicy, MigrationRules, parse_environment
from rollout.errors import ConfigInvalid
from rollout.executors.files import ENVIRONMENTS, read_environment
from tests.support.values import SMALL_ENVIRONMENT

# The two that name every rule, for people to change; another environment may leave them out.
SAMPLES = [ENVIRONMENTS / "production.toml", ENVIRONMENTS / "rehearsal.toml"]
MINIMAL = SMALL_ENVIRONMENT + "\n[secrets]\n"


def test_a_minimal_file_gets_the_documented_defaults():
    environment = parse_environment("small.toml", MINIMAL)

    assert environment.branch == "main"
    assert environment.quality.checks == ()
    assert environment.application.drain_timeout_s == 30
    assert environment.migrations.table == "__drizzle_migrations"
    assert environment.verify.healthy == "healthy"


def test_the_policy_has_the_rules_own_names_and_the_sample_files_name_every_one():
    for path in SAMPLES:
        said = tomllib.loads(path.read_text())["migrations"]["policy"]

        assert list(said) == [name.replace("_", "-") for name in MigrationPolicy.model_fields]


def test_the_sample_files_name_every_rule_for_migrations():
    default = MigrationRules()
    for path in SAMPLES:
        said = tomllib.loads(path.read_text())["migrations"]["rules"]

        assert list(said) == [name.replace("_", "-") for name in MigrationRules.model_fields]
        differs = {rule for rule in said if said[rule] != default.consequence(rule)}
        # The faulty commit of the rehearsal is to fail at the server, not before.
        if path.stem == "rehearsal":
            assert differs == {"data-refuses", "not-null-without-default"}


def test_the_sample_files_name_every_finding_of_the_dry_run():
    for path in SAMPLES:
        said = tomllib.loads(path.read_text())["migrations"]["dry-run"]

        assert list(said) == [name.replace("_", "-") for name in DryRunPolicy.model_fields]
        chosen = parse_environment(path.name, path.read_text()).migrations.dry_run
        default = DryRunPolicy()
        differs = {rule for rule in said if said[rule] != default.consequence(rule)}
        assert {rule for rule in said if said[rule] != chosen.consequence(rule)} == set()
        # The faulty commit of the rehearsal is to fail at the server, not before.
        if path.stem == "rehearsal":
            assert differs == {"contract-break"}


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (('folder = "migrations"', 'folder = "m"\npolicy = { drift = "warn" }'), "drift is not a"),
        (('folder = "migrations"', 'folder = "m"\npolicy = { crlf = "no" }'), "policy.crlf Input"),
        (
            ('folder = "migrations"', 'folder = "m"\nrules = { drop = "warn" }'),
            "rules.drop is not a",
        ),
        (
            ('folder = "migrations"', 'folder = "m"\nrules = { rename = "no" }'),
            "rules.rename Input",
        ),
        (("name = ", "name == "), "is no TOML"),
        (('[verify]\nurl = "https://app.example/health"', ""), "verify is missing"),
        (("[secrets]", 'colour = "blue"\n[secrets]'), "verify.colour is not a known key"),
        (('"compose.yml"', '"../compose.yml"'), "application.compose"),
        (('"compose.yml"', '"/compose.yml"'), "should be a path inside the repository"),
        (('"compose.yml"', '"--file"'), "should be a path inside the repository"),
        (("[secrets]", '[secrets]\n"A-B" = "x"'), "secrets.A-B"),
        (("[secrets]", "[application.more]\n[secrets]"), "application.more is not a known key"),
        (('url = "https', 'url = "ftp'), "verify.url"),
        (("[verify]", "[verify]\nwatch_rate_per_s = -1"), "verify.watch_rate_per_s"),
        (("[verify]", "[verify]\nwatch_rate_per_s = 51"), "verify.watch_rate_per_s"),
        (("[verify]", '[verify]\naddress = "10.0.0.2:0"'), "should be HOST or HOST:PORT"),
        (("[verify]", '[verify]\naddress = "10.0.0.2:65536"'), "out of range"),
        (("[verify]", '[verify]\naddress = "https://10.0.0.2"'), "verify.address"),
        (
            ('folder = "migrations"', 'folder = "m"\ncommand = ["migrate"]'),
            "neither goes without the other",
        ),
        (('folder = "migrations"', 'folder = "m"\nby = "command"'), "neither goes without"),
        (
            ('folder = "migrations"', 'folder = "m"\nby = "command"\ncommand = ["migrate"]'),
            "needs table_schema and table",
        ),
        (
            ("[migrations]", 'secret_args = { DSN = "other" }\n[migrations]'),
            "build.secret_args.DSN names other, which [secrets] lacks",
        ),
        (
            ("[secrets]", '[settings]\nA = "1"\n[secrets]\nA = "a"'),
            "A stands in [secrets] and in [settings]",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(edit: tuple[str, str], problem: str):
    with pytest.raises(ConfigInvalid) as raised:
        parse_environment("small.toml", MINIMAL.replace(*edit))

    assert raised.value.path == "small.toml"
    assert problem in str(raised.value)
    assert len(raised.value.true.splitlines()) == 1


CHECKS = """
[[quality.checks]]
name = "{first}"
run = ["true"]
needs = [{needs}]

[[quality.checks]]
name = "{second}"
run = ["true"]
"""


@pytest.mark.parametrize(
    ("first", "needs", "second", "problem"),
    [
        ("test", '"build"', "build", "check test needs build, which no earlier one is"),
        ("test", '"test"', "build", "check test needs test, which no earlier one is"),
        ("test", "", "test", "two checks are called test"),
    ],
)
def test_checks_form_no_circle(first: str, needs: str, second: str, problem: str):
    text = MINIMAL + CHECKS.format(first=first, needs=needs, second=second)

    with pytest.raises(ConfigInvalid, match=problem):
        parse_environment("small.toml", text)


@pytest.mark.parametrize("path", sorted(ENVIRONMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shipped_environments_are_valid(path):
    assert read_environment(path.stem).name == path.stem


@pytest.mark.parametrize("name", ["", "../etc/passwd", "--help", "Production", "a b", "x" * 64])
def test_a_name_that_is_no_name_reads_no_file(name: str):
    with pytest.raises(ConfigInvalid, match="should be lower-case letters"):
        read_environment(name)


def test_an_unknown_environment_is_told_with_the_known_ones():
    with pytest.raises(ConfigInvalid, match=r"deployments/nowhere.toml does not exist; known are"):
        read_environment("nowhere")


def test_a_file_that_describes_another_environment_is_refused(tmp_path):
    (tmp_path / "other.toml").write_text(MINIMAL)

    with pytest.raises(ConfigInvalid, match="name should be 'other', not 'small'"):
        read_environment("other", tmp_path)
