"""The pages keep their word: settings are the code's, links lead somewhere, commands exist."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from deployments.settings import PAGE, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARKDOWN = MarkdownIt("commonmark").enable("table")
ANSWERED_BY_SHELL = {"bin/faults", "bin/test"}
# What a script of bin/ runs, and the words that it gives beside its own arguments.
_PROGRAM = re.compile(r'-m (?P<module>[\w.]+)(?P<words>(?: [\w-]+)*) "\$@"')
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


SHOWN = sorted({command for path in PAGES for command in commands(path.read_text())})


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
