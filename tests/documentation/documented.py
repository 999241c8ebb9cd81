"""The pages of the documentation, taken apart: blocks with their languages, and the names that running them leaves."""

from __future__ import annotations

import re
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
if not (ROOT / "docs").is_dir():
    pytest.skip("the documentation is not part of a source distribution", allow_module_level=True)
_FENCE = re.compile(
    r"^(?P<mark>`{3,}|:{3,})(?P<language>\S*)[^\n]*\n(?P<text>.*?)^(?P=mark)$", re.MULTILINE | re.DOTALL
)
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\n$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: its file.
        line: of its first line of text, from 0.
        language: what stands behind the fence: "python", "console", "{toctree}", ...
        text: between the fences.
        not_run: why it is not to be run, from a comment ``<!-- not run: reason -->`` on the line before; else None.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def code(self) -> types.CodeType:
        """Compiled, padded with empty lines, so that a traceback points into the page."""
        return compile("\n" * self.line + self.text, str(self.page), "exec")


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page, or those in one of these languages."""
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(text):
        said = _NOT_RUN.search(text, 0, fence.start())
        reason = said[1] if said and said.end() == fence.start() else None
        line = text.count("\n", 0, fence.start("text"))
        found.append(Block(page, line, fence["language"], fence["text"], reason))
    return [block for block in found if not languages or block.language in languages]


def to_run(page: Path) -> list[Block]:
    """The Python blocks of a page that are run, in order, in one namespace."""
    return [block for block in blocks(page, "python") if block.not_run is None]


def run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, before: str = "") -> types.ModuleType:
    """Run the blocks of a page in an empty folder, where ``docs`` is that of the source; returns what they defined.

    Args:
        page: its file.
        folder: where they run; files they write stay there.
        monkeypatch: undoes everything.
        before: a line of the page at which to stop, such as a heading; the whole page if empty.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    (folder / "docs").symlink_to(ROOT / "docs")
    module = types.ModuleType("documented_page")  # a real module: dataclasses look theirs up by name
    monkeypatch.setitem(sys.modules, module.__name__, module)
    lines = page.read_text(encoding="utf-8").splitlines()
    end = lines.index(before) if before else len(lines)
    for block in to_run(page):
        if block.line < end:
            exec(block.code, module.__dict__)
    return module
