"""What files name is held against what the environment's file declares, both ways."""

from __future__ import annotations

import pytest

from rollout.config import Environment, parse_environment
from rollout.decide.manifest import all_findings, findings_told, judge_manifest
from rollout.decide.named import (
    names_declared,
    names_filled_in,
    names_in_example,
    names_in_workflow,
    names_read,
    secrets_listed,
)
from rollout.model.finding import Go, Refuse
from rollout.model.manifest import Named, Places
from tests.support.values import SMALL_ENVIRONMENT

DECLARED = """
[secrets]
DATABASE_URL = "app-database-url"

[settings]
LOG_LEVEL = "info"

[manifest]
code = ["src/**"]
example = ".env.example"
secret_lists = ["infra/main.tf"]

[manifest.elsewhere]
PORT = "the image"
"""
EXAMPLE = (Named("DATABASE_URL", ".env.example", 1), Named("LOG_LEVEL", ".env.example", 2))
LISTED = (("infra/main.tf", (Named("app-database-url", "infra/main.tf", 4),)),)


def settings(declared: str = DECLARED) -> Environment:
    return parse_environment("small.toml", SMALL_ENVIRONMENT + declared)


def told(places: Places, environment: Environment) -> list[tuple[str, str]]:
    return [(one.rule, one.where) for one in all_findings(places, environment)]


# --- where names stand ---


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("listen(process.env.PORT ?? 80)", ["PORT"]),
        ("process.env?.PORT", ["PORT"]),
        ("process.env['PORT'] || process.env[\"HOST\"]", ["PORT", "HOST"]),
        ("const { PORT, HOST: host = 'a', ...rest } = process.env;", ["PORT", "HOST"]),
        ("import.meta.env.MODE", ["MODE"]),
        ("process.environment.PORT; my_process.env.PORT; process.env[name]", []),
        ("process.env.lower", []),
    ],
)
def test_code_reads_variables(text: str, names: list[str]):
    found = names_read([("a.ts", 7, text)], ("process.env", "import.meta.env"))

    assert [one.name for one in found] == names
    assert {one.where for one in found} <= {"a.ts:7"}


def test_python_reads_variables():
    lines = [("a.py", 1, "os.environ['A'] + os.environ.get('B', '')")]

    assert [one.name for one in names_read(lines, ("os.environ",))] == ["A", "B"]


def test_a_schema_names_variables_as_keys_and_in_quotes():
    text = 'const REQUIRED = ["REDIS_URL"];\n  DATABASE_URL: z.string(),\n  T: 1, port: 2\n'

    assert names_declared("env.ts", text) == (
        Named("REDIS_URL", "env.ts", 1),
        Named("DATABASE_URL", "env.ts", 2),
    )


def test_compose_fills_in_variables():
    text = 'a: ${ONE}\nb: "$TWO-${THREE:-x}"\nc: $${NOT}\n# ${COMMENT}\nd: 1 # ${COMMENT}\n'

    found = [(one.name, one.line) for one in names_filled_in("compose.yml", text)]

    assert found == [("ONE", 1), ("TWO", 2), ("THREE", 2)]


def test_an_example_names_variables_at_the_start_of_lines():
    text = "A=1\nexport B=\n# C=1\nnot D=1\n"

    assert [one.name for one in names_in_example("e", text)] == ["A", "B"]


def test_a_workflow_names_variables_in_every_env_block():
    text = "env:\n  A: 1\njobs:\n  q:\n    env: {B: x}\n    steps:\n      - env:\n          C: y\n"

    found = [(one.name, one.line) for one in names_in_workflow("ci.yml", text)]

    assert found == [("A", 2), ("B", 5), ("C", 8)]
    assert names_in_workflow("ci.yml", "") == ()
    with pytest.raises(ValueError, match="line 1"):
        names_in_workflow("ci.yml", "a: [")


def test_lists_of_secrets_name_known_ones_anywhere_and_others_where_it_is_plain():
    text = (
        'secret_id = "app-new"\n'
        "for s in app-token app-token-old; do\n"
        'gcloud secrets versions access latest --secret="app-by-hand"\n'
        'gcloud secrets versions access latest --secret="app-${name}" || echo secrets/app-$name\n'
        "# app-token and secret_id = nothing\n"
    )

    found = secrets_listed("infra/main.tf", text, ("app-token",))

    assert [(one.name, one.line) for one in found] == [
        ("app-new", 1),
        ("app-token", 2),
        ("app-by-hand", 3),
    ]


# --- what is made of it ---


def test_what_is_named_and_declared_alike_is_well():
    code = (Named("DATABASE_URL", "src/db.js", 3), Named("PORT", "src/server.js", 9))

    assert judge_manifest(Places(code, (), EXAMPLE, (), LISTED), settings()) == Go()


def test_an_undeclared_variable_is_refused_with_file_and_line():
    code = (Named("SEARCH_REGION", "src/a.js", 9), Named("SEARCH_REGION", "src/a.js", 3))
    compose = (Named("TAG", "compose.yml", 2),)

    verdict = judge_manifest(Places(code, compose, EXAMPLE, (), LISTED), settings())

    assert isinstance(verdict, Refuse)
    advice = (
        "Add it to [secrets] or [settings] of deployments/small.toml, or say under "
        "[manifest.elsewhere] who gives it."
    )
    file = "which deployments/small.toml does not declare"
    assert findings_told(verdict.findings).splitlines() == [
        f"src/a.js:3: variable-undeclared: the code reads SEARCH_REGION, {file}. {advice}",
        f"compose.yml:2: variable-undeclared: compose fills in TAG, {file}. {advice}",
    ]


def test_what_is_declared_and_named_nowhere_is_told():
    example = EXAMPLE[:1]

    verdict = judge_manifest(Places((), (), example, (), (("infra/main.tf", ()),)), settings())

    assert isinstance(verdict, Go)
    assert [(one.rule, one.where) for one in verdict.findings] == [
        ("variable-unnamed", ".env.example"),
        ("missing-in-list", "infra/main.tf"),
    ]
    without = settings(DECLARED.replace('example = ".env.example"\n', ""))
    code = (Named("DATABASE_URL", "src/db.js", 3),)
    assert told(Places(code, secrets=LISTED), without) == [("variable-unnamed", "the code")]


def test_a_variable_for_browsers_must_be_a_build_argument():
    code = (Named("NEXT_PUBLIC_DSN", "src/a.js", 3), Named("NEXT_PUBLIC_NEW", "src/a.js", 4))
    example = (*EXAMPLE, Named("NEXT_PUBLIC_DSN", ".env.example", 3))
    late = DECLARED.replace("LOG_LEVEL", 'NEXT_PUBLIC_DSN = "x"\nLOG_LEVEL')

    assert told(Places(code, (), example, (), LISTED), settings(late)) == [
        ("variable-undeclared", "src/a.js:4"),
        ("public-not-built", "src/a.js:3"),
    ]


def test_the_workflow_and_the_checks_name_the_same():
    checked = DECLARED.replace("[manifest]", '[quality.env]\nCI = "1"\n\n[manifest]').replace(
        "example =", 'workflow = "ci.yml"\nexample ='
    )
    workflow = (Named("EXTRA", "ci.yml", 5),)

    assert told(Places((), (), EXAMPLE, workflow, LISTED), settings(checked)) == [
        ("variable-undeclared", "ci.yml:5"),
        ("variable-unnamed", "ci.yml"),
    ]
    absent = Places((), (), EXAMPLE, (), LISTED, absent=("ci.yml",))
    assert told(absent, settings(checked)) == [("file-absent", "ci.yml")]


def test_a_secret_that_only_the_list_knows_is_refused_unless_the_file_says_otherwise():
    listed = (("infra/main.tf", (*LISTED[0][1], Named("app-old", "infra/main.tf", 8))),)
    places = Places((), (), EXAMPLE, (), listed)

    assert isinstance(judge_manifest(places, settings()), Refuse)
    assert told(places, settings()) == [("extra-in-list", "infra/main.tf:8")]
    lenient = settings(DECLARED + '\n[manifest.policy]\nextra-in-list = "allow"\n')
    assert judge_manifest(places, lenient) == Go()


def test_what_somebody_else_gives_need_not_be_named_by_a_file():
    declared = f'{DECLARED}CI = "the checks"\n\n[quality.env]\nCI = "true"\nOTHER = "1"\n'
    environment = settings(declared.replace("code =", 'workflow = "ci.yml"\ncode ='))

    findings = all_findings(Places((), (), EXAMPLE, (), LISTED), environment)

    assert [(one.rule, one.consequence) for one in findings] == [
        ("variable-unnamed", "deployments/small.toml declares OTHER, which ci.yml does not name")
    ]
