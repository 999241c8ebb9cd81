"""The documentation does what it says: every Python block runs, every relative link leads somewhere."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.exists()
]
SLOW = ("variational.md",)  # what compiles for long
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)\s#]+)")


def blocks(page: Path) -> list[tuple[int, str]]:
    """(line, code) of every Python block of a page."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start(1)), found.group(1)) for found in _BLOCK.finditer(text)]


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[pytest.mark.slow] * (p.name in SLOW), id=p.name) for p in PAGES if blocks(p)],
)
def test_the_python_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    module = types.ModuleType("documented")  # a real module: dataclasses look theirs up by name
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for line, code in blocks(page):
        # Padded with empty lines, so that a traceback points into the page.
        exec(compile("\n" * line + code, str(page), "exec"), module.__dict__)
    assert len(vars(module)) > len(vars(types.ModuleType("empty")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_relative_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_has_code_to_run() -> None:
    assert len(blocks(ROOT / "README.md")) >= 2
