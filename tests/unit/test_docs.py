"""The pages keep their word: settings are the code's, links lead somewhere, commands exist."""

from __future__ import annotations

import argparse
import ast
import os
import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt

from deployments.settings import PAGE, page
from rollout.diagnose.match import diagnose
from rollout.model.around import Around
from tests.unit.diagnose.test_failures import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKDOWN = MarkdownIt("commonmark").enable("table")
ANSWERED_BY_SHELL = {"bin/faults", "bin/test"}
# What a script of bin/ runs, and the words that it gives beside its own arguments.
_PROGRAM = re.compile(r'-m (?P<module>[\w.]+)(?P<words>(?: [\w-]+)*) "\$@"')
# `deployments.settings` speaks on a page only, which is among PAGES.
SPEAKERS = [
    path
    for folder in ("rollout", "tasks", "flows", "deployments")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != ROOT / "deployments/settings.py"
]
_MEANS_PRODUCTION = re.compile(r"\bbin/(?:doctor|hold|release-hold|rollback|schema)\b")
_STANDS_IN = re.compile(r"docs/(?P<page>[\w-]+\.md), (?P<title>[A-Z][\w ]+)")
_TEST = re.compile(r"\btests/[\w/]+\.py\b")
_VARIABLE = re.compile(r"[A-Z_]+=")


def tokens(text: str) -> Iterator[Token]:
    """Yield a page's tokens, those within a line of text too."""
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or ()


def links(text: str) -> set[str]:
    """Return what a page's links and pictures lead to, whole addresses left out."""
    found = {
        str(token.attrs.get("href", token.attrs.get("src", "")))
        for token in tokens(text)
        if token.type in {"link_open", "image"}
    }
    return {link for link in found if not urlsplit(link).scheme}


def anchors(text: str) -> set[str]:
    """Return the names under which GitHub lets a page's headings be linked to."""
    parsed = MARKDOWN.parse(text)
    titles = [
        "".join(child.content for child in after.children or ())
        for token, after in pairwise(parsed)
        if token.type == "heading_open"
    ]
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    return {
        f"{slug}-{before}" if (before := slugs[:number].count(slug)) else slug
        for number, slug in enumerate(slugs)
    }


def commands(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the commands of this project that a page shows, as words.

    A line may begin with a prompt or with variables; what stands in brackets may be given too, and
    what follows two spaces says what the command does.
    """
    for token in tokens(text):
        if token.type not in {"fence", "code_inline"}:
            continue
        for line in token.content.replace("\\\n", " ").splitlines():
            shown = re.split(r"\s{2,}", line.strip().removeprefix("$ "))[0]
            words = shlex.split(re.sub(r"[\[\]]", "", shown), comments=True)
            while words and _VARIABLE.match(words[0]):
                words.pop(0)
            if words and (words[0].startswith("bin/") or words[:2] == ["python", "-m"]):
                yield tuple(words)


def printed() -> Iterator[tuple[str, ...]]:
    """Yield the commands of this project that a known failure tells, as words."""
    for evidence, _ in CASES.values():
        told = diagnose(replace(evidence, around=Around(environment="production")))
        for line in (*told.commands, *re.findall("`([^`]+)`", f"{told.next_step} {told.impact}")):
            if line.startswith(("bin/", "python -m ")):
                yield tuple(shlex.split(line))


PRINTED = sorted(set(printed()))
SHOWN = sorted({*PRINTED, *(command for path in PAGES for command in commands(path.read_text()))})


def test_the_page_of_the_settings_is_what_the_code_says():
    assert PAGE.read_text() == page(), "write it anew: python -m deployments.settings"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(path: Path):
    for link in links(path.read_text()):
        address = urlsplit(link)
        to = (path.parent / unquote(address.path)).resolve() if address.path else path
        assert to.exists(), link
        if address.fragment:
            assert address.fragment in anchors(to.read_text()), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_test_that_is_named_is_there(path: Path):
    named = set(_TEST.findall(path.read_text()))

    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []


def jobs(text: str) -> Iterator[dict[str, Any]]:
    """Yield the jobs of the workflows that a page shows."""
    for token in tokens(text):
        if token.type == "fence" and "\njobs:\n" in token.content:
            yield from yaml.safe_load(token.content)["jobs"].values()


def test_the_workflows_that_are_shown_give_ours_what_it_asks_for():
    shown = list(jobs((ROOT / "docs/deploy.md").read_text()))

    for job in shown:
        file = re.search(r"(\.github/workflows/\w+\.yml)@COMMIT$", job["uses"])
        assert file is not None, job["uses"]
        inputs = yaml.safe_load((ROOT / file[1]).read_text())[True]["workflow_call"]["inputs"]
        needed = {name for name, one in inputs.items() if one.get("required")}
        assert needed <= job["with"].keys() <= inputs.keys()
    assert len(shown) == 2


def program(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the module that a command runs and what it is given; None where a shell answers."""
    if words[0] == "python":
        return words[2:]
    found = _PROGRAM.search((ROOT / words[0]).read_text())
    if found is None or words[0] in ANSWERED_BY_SHELL:
        return None
    return (found["module"], *found["words"].split(), *words[1:])


def told(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a command's help says; a choice that it does not know fails."""
    asked = program(words)
    if asked is None:
        done = subprocess.run(
            [ROOT / words[0], "--help"], capture_output=True, text=True, check=False
        )
        return done.stdout
    given = ["1" if word == "N" else word for word in (*asked, "--help")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(asked[0], run_name="__main__")
    shown = capsys.readouterr()
    assert ended.value.code == 0, shown.err
    return shown.out


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_every_command_is_there_and_knows_its_options(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    if words[0] == "python":
        assert find_spec(words[2])
        plain = len(words) == 3
    else:
        assert os.access(ROOT / words[0], os.X_OK)
        plain = len(words) == 1

    options = {word.split("=")[0] for word in words if word.startswith("--")}
    shown = "" if plain else told(words, capsys)
    assert {one for one in options if not re.search(rf"{one}(?![\w-])", shown)} == set()


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("words", PRINTED, ids=" ".join)
def test_every_printed_command_is_taken_by_its_program_as_it_stands(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    """What a failed run prints is pasted: an option that is required has to be there as well."""
    asked = program(words)
    assert asked is not None
    parse_args = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser, *given: Any) -> None:
        parse_args(parser, *given)
        raise SystemExit(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
        patch.setattr(sys, "argv", list(asked))
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(asked[0], run_name="__main__")

    assert ended.value.code == 0, capsys.readouterr().err


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts in code, with `{}` for what is filled in; without docstrings and `prog`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if not isinstance(tree, ast.Expr) and getattr(tree, "arg", "") != "prog":
                yield node.value
        else:
            yield from texts(node)


@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_message_says_which_environment_it_means(path: Path):
    """Without one each of these programs means production."""
    mute = [
        text
        for text in texts(ast.parse(path.read_text()))
        for after in _MEANS_PRODUCTION.split(text)[1:]
        if "--environment" not in after
    ]

    assert mute == []


def test_what_a_message_says_to_stand_in_a_page_stands_there():
    """A title is a heading's, or the bold words that a paragraph begins with."""
    said = {
        (found["page"], found["title"])
        for path in SPEAKERS
        for text in texts(ast.parse(path.read_text()))
        for found in _STANDS_IN.finditer(text)
    }

    for page_name, title in sorted(said):
        lines = (ROOT / "docs" / page_name).read_text().splitlines()
        titles = {line.lstrip("#").strip() for line in lines if line.startswith("#")}
        assert title in titles or any(line.startswith(f"**{title}**") for line in lines), title
    assert ("recover.md", "In the database") in said
