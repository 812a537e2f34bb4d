"""The pages of the documentation as data: code blocks, headings, links."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^```(\w*) ?([^\n]*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: ```LANGUAGE MARK."""

    language: str
    mark: str
    """The word after the language: "run", "output", or the file that the block is a part of."""
    code: str


class Page:
    """One Markdown file."""

    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.prose = FENCED.sub("", self.text)
        self.blocks = [Block(*found) for found in FENCED.findall(self.text)]

    def marked(self, language: str, mark: str) -> list[str]:
        """The code of all blocks of this language and mark, in order."""
        return [block.code for block in self.blocks if (block.language, block.mark) == (language, mark)]

    def runnable(self) -> list[tuple[Block, Block | None]]:
        """Each block marked "run", with the output that the page shows right after it."""
        pairs = zip_longest(self.blocks, self.blocks[1:])
        return [
            (block, after if after and after.mark == "output" else None)
            for block, after in pairs
            if block.mark == "run"
        ]

    def headings(self) -> list[str]:
        """The texts of all headings."""
        return re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)

    def anchors(self) -> set[str]:
        """The anchors that GitHub gives the headings, and those that stand in the text."""
        found = set(re.findall(r'<a id="([^"]+)">', self.prose))
        for heading in self.headings():
            slug, number = github_slug(heading), 0
            while (anchor := f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(anchor)
        return found

    def links(self) -> list[str]:
        """The targets of all links."""
        return re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", self.prose)

    def rows(self) -> list[list[str]]:
        """The cells of every row of every table."""
        lines = re.findall(r"^\| (.*) \|$", self.prose, re.MULTILINE)
        return [[cell.strip() for cell in line.split("|")] for line in lines]


def github_slug(heading: str) -> str:
    """Letters, digits, hyphens and underscores, in lower case; spaces become hyphens."""
    kept = (
        letter for letter in heading.lower() if letter in " -_" or unicodedata.category(letter)[0] in "LN"
    )
    return "".join(kept).replace(" ", "-")


def read_pages() -> dict[str, Page]:
    """Every page for readers, by its path in the repository."""
    paths = [
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/**/*.md")),
        *sorted(ROOT.glob("backends/*/README.md")),
    ]
    return {path.relative_to(ROOT).as_posix(): Page(path) for path in paths}


@pytest.fixture(scope="session")
def pages() -> dict[str, Page]:
    """Every page."""
    return read_pages()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a `block` and its `output` once for every block marked "run"."""
    if "block" in metafunc.fixturenames:
        examples = [
            pytest.param(block, output, id=f"{name}-{number}-{block.language}")
            for name, page in read_pages().items()
            for number, (block, output) in enumerate(page.runnable(), start=1)
        ]
        metafunc.parametrize(("block", "output"), examples)
