"""The documentation does what it says: Python blocks run, links lead somewhere, fences say what they hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documented import PAGES, blocks, run, to_run

# What compiles or draws for more than 2 s; every other page runs in the fast suite.
SLOW = {
    "README.md",
    "extending.md",
    "gallery.md",
    "infinite-width.md",
    "resnet-plane.md",
    "start.md",
    "theory.md",
    "variational.md",
    "what-can-go-wrong.md",
    "which-quantity.md",
    "your-network.md",
}
# Shell is "console", with "$ " before what is typed; "text" is what a program says.
LANGUAGES = {"python", "console", "text", "toml", "json", "ini", "bash", ""}
_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)\s#]+)")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[pytest.mark.slow] * (p.name in SLOW), id=p.name) for p in PAGES if to_run(p)],
)
def test_the_python_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(vars(run(page, tmp_path, monkeypatch))) > 5


@every_page
def test_blocks_that_are_not_run_say_why_and_are_python(page: Path) -> None:
    for block in blocks(page, "python"):
        assert block.code
        assert block.not_run is None or len(block.not_run.split()) >= 3, block.where


@every_page
def test_the_language_of_every_block_is_known(page: Path) -> None:
    found = {block.where: block.language for block in blocks(page) if not block.language.startswith("{")}
    assert {where: language for where, language in found.items() if language not in LANGUAGES} == {}


@every_page
def test_the_relative_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not link.startswith("api/")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_has_a_place_in_the_index() -> None:
    """Sphinx finds this too, but only where it is installed."""
    index = next(page for page in PAGES if page.name == "index.md")
    listed = {line.strip() for block in blocks(index, "{toctree}") for line in block.text.splitlines()}
    assert {p.stem for p in PAGES if p.parent == index.parent} - listed == {"index"}


def test_pages_named_here_exist_and_the_main_ones_have_code() -> None:
    named = {page.name: page for page in PAGES}
    assert set(named) >= SLOW
    assert all(len(to_run(named[name])) >= 4 for name in ("README.md", "start.md", "what-can-go-wrong.md"))


def test_a_marker_without_a_block_after_it_is_no_marker(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: needs a model of yours -->\n```python\nx\n```\n\n"
        "<!-- not run: far above -->\n\n```python\ny\n```\n```console\n$ ls\n```\n"
    )
    assert [(b.language, b.text, b.not_run) for b in blocks(page)] == [
        ("python", "x\n", "needs a model of yours"),
        ("python", "y\n", None),
        ("console", "$ ls\n", None),
    ]
    assert [b.line for b in to_run(page)] == [8]
