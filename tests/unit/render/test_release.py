"""A release's folder, its description, and what people read of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.commands.host import checksum
from rollout.errors import ConfigInvalid
from rollout.migrations.contract_json import fingerprint, render_contract
from rollout.model.command import Secret
from rollout.model.finding import Check, Finding, Go, Refuse
from rollout.model.sample import Sample
from rollout.render.release import parse_release, release_files, render_release
from rollout.render.report import check_rows, render_release_report
from tests.support.contracts import note
from tests.support.values import APPLICATION, CADDYFILE, COMPOSE, release

RELEASE = release(
    12,
    "a",
    actor="ann",
    reason="because",
    run_id="run-1",
    migrations=("0001_start",),
    secret_versions={"trovella-database-url": "3"},
)


def test_a_folder_holds_everything_that_a_host_needs():
    files = release_files(
        RELEASE,
        APPLICATION,
        compose=COMPOSE,
        caddyfile=CADDYFILE,
        variables={"A": Secret("1")},
    )

    assert [(file.path, oct(file.mode)) for file in files] == [
        ("/opt/trovella/releases/12/docker-compose.prod.yml", "0o644"),
        ("/opt/trovella/releases/12/Caddyfile", "0o644"),
        ("/opt/trovella/releases/12/.env", "0o600"),
        ("/opt/trovella/releases/12/release.json", "0o644"),
    ]
    assert files[2].content == Secret("A='1'\n")


def test_a_release_freezes_its_files_by_checksum_but_not_its_secrets():
    compose, caddyfile, _, description = release_files(
        RELEASE, APPLICATION, compose=COMPOSE, caddyfile=CADDYFILE, variables={"A": Secret("1")}
    )

    assert isinstance(description.content, str)
    frozen = parse_release(description.content)
    assert frozen == replace(RELEASE, files=frozen.files, around=frozen.around)
    assert len(frozen.around) == 64
    assert frozen.files == {
        "docker-compose.prod.yml": checksum(compose),
        "Caddyfile": checksum(caddyfile),
    }


def test_the_schema_contract_lies_beside_and_its_fingerprint_in_the_description():
    contract = render_contract(note())
    files = release_files(
        replace(RELEASE, contract=fingerprint(note())),
        APPLICATION,
        compose=COMPOSE,
        caddyfile=CADDYFILE,
        variables={},
        contract=contract,
    )

    named = {file.path.rsplit("/", 1)[-1]: file for file in files}
    assert list(named) == [
        "docker-compose.prod.yml",
        "Caddyfile",
        "contract.json",
        ".env",
        "release.json",
    ]
    assert named["contract.json"].content == contract
    described = parse_release(str(named["release.json"].content))
    assert described.contract == checksum(named["contract.json"])
    assert set(described.files) == {"docker-compose.prod.yml", "Caddyfile"}


def test_a_description_from_before_contracts_were_kept_is_read():
    former = render_release(RELEASE).replace('  "contract": "",\n', "")

    assert "contract" not in former
    assert parse_release(former) == RELEASE


def test_a_description_from_before_files_were_frozen_is_read():
    former = render_release(RELEASE).replace('  "files": {},\n', "")

    assert parse_release(former) == RELEASE


def test_a_description_from_before_its_database_was_written_down_is_read():
    former = render_release(RELEASE).replace('  "database": {},\n', "")

    assert '"database"' not in former
    assert parse_release(former) == RELEASE


def test_a_description_is_read_back():
    assert parse_release(render_release(RELEASE)) == RELEASE


def test_a_description_is_text_for_people_too():
    assert render_release(release(1)) == (
        "{\n"
        '  "actor": "",\n'
        '  "around": "",\n'
        '  "contract": "",\n'
        '  "created_at": "2026-11-22T10:00:00Z",\n'
        '  "database": {},\n'
        '  "files": {},\n'
        '  "image": {\n'
        f'    "digest": "sha256:{"1" * 64}",\n'
        '    "repository": "us-central1-docker.pkg.dev/trovella-shared/trovella/web"\n'
        "  },\n"
        '  "migrations": [],\n'
        '  "number": 1,\n'
        '  "reason": "",\n'
        '  "restores": null,\n'
        '  "run_id": "",\n'
        '  "secret_versions": {},\n'
        '  "version": {\n'
        f'    "sha": "{"1" * 40}"\n'
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "text: Invalid JSON"),
        ("{}", "number: Field required"),
        (render_release(RELEASE).replace('"number": 12', '"number": "x"'), "number: Input should"),
    ],
)
def test_a_description_that_is_none(text: str, problem: str):
    with pytest.raises(ConfigInvalid) as caught:
        parse_release(text)

    assert caught.value.problem.startswith(problem)


def test_a_description_with_another_kind_of_version():
    with pytest.raises(ConfigInvalid):
        parse_release(render_release(RELEASE).replace("a" * 40, "main"))


WELL = Check("health from outside", "healthy", "healthy (HTTP 200)", ok=True)
ILL = Check("version | from outside", "a", "b", ok=False)


def test_checks_become_rows():
    assert check_rows((WELL, ILL)) == [
        {
            "check": "health from outside",
            "expected": "healthy",
            "seen": "healthy (HTTP 200)",
            "ok": "yes",
        },
        {"check": "version | from outside", "expected": "a", "seen": "b", "ok": "NO"},
    ]


def test_the_report_of_a_release_that_serves():
    frozen = replace(RELEASE, files={"Caddyfile": "c" * 64})
    report = render_release_report(frozen, Go((), (WELL,)), "https://trovella.ai", "web")

    assert report == (
        "# Release 12 serves\n"
        "\n"
        f"- **version:** `{'a' * 40}`\n"
        "- **application:** [https://trovella.ai](https://trovella.ai)\n"
        "- **made:** 2026-11-22T10:00:00Z by ann\n"
        "- **reason:** because\n"
        "\n"
        "## What was looked at\n"
        "\n"
        "| ok | check | seen | expected |\n"
        "| --- | --- | --- | --- |\n"
        "| yes | health from outside | healthy (HTTP 200) | healthy |\n"
        "\n"
        "## What it is made of\n"
        "\n"
        f"- **image:** `{RELEASE.image.reference.split('@')[0]}`\n"
        f"- **digest:** `{RELEASE.image.reference.split('@')[1]}`\n"
        "- **migrations:** 0001_start\n"
        "- **secret versions:** trovella-database-url 3\n"
        f"- **Caddyfile:** `sha256:{'c' * 64}`\n"
        "- **run:** `run-1`\n"
    )


def test_the_table_of_a_report_has_short_commits_and_digests():
    image = Check("image", f"eu.pkg.dev/a/web@sha256:{'d' * 64}", f"sha256:{'e' * 64}", ok=False)
    version = Check("version", "a" * 40, "b" * 12, ok=False)

    lines = render_release_report(RELEASE, Go((), (image, version)), "https://a.example", "web")

    assert f"| NO | image | sha256:{'e' * 12} | sha256:{'d' * 12} |" in lines
    assert f"| NO | version | {'b' * 12} | {'a' * 12} |" in lines


def test_the_report_of_a_release_that_does_not():
    finding = Finding("x", "version: expected a, seen b", "url", "Read the log.")
    report = render_release_report(
        release(13, restores=11, reason="a | b\n<script>"),
        Refuse((finding,), (WELL, ILL)),
        "https://trovella.ai",
        "web",
    )

    lines = report.splitlines()
    assert lines[0] == "# Release 13 was not seen serving"
    assert "- **made:** 2026-11-22T10:00:00Z by nobody named" in lines
    assert "- **reason:** a | b &lt;script>" in lines
    assert "- **takes up again:** release 11" in lines
    assert lines[2] == "- version: expected a, seen b. Read the log."
    assert "| NO | version \\| from outside | b | a |" in lines


def test_a_report_has_the_picture_of_what_was_seen():
    samples = (Sample(0, 0.25, 200, "healthy", "b" * 40), Sample(1, 0.5, 200, "healthy", "a" * 40))
    told = "2 requests in 1.5 s, 0 lost; switched after 1.0 s; slowest answer 500 ms, longest pause"
    report = render_release_report(RELEASE, Go((), (WELL,)), "https://trovella.ai", "web", samples)

    lines = report.splitlines()
    start = lines.index("## Seen from outside")
    assert lines[start + 2].startswith(f"![{told} 1250 ms](data:image/svg+xml;base64,")
    assert lines[start + 4] == f"{told} 1250 ms."
