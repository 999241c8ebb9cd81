"""The ledger as a table in Markdown, as it stands in the documentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import ledger_words as words

if TYPE_CHECKING:
    from ..experiments.base import Claim
    from ..experiments.ledger import Ledger, Part, Record, Statement

_HEADINGS = ("claim", "here it", "numbers that decided", "experiment")
_SPECIAL = re.compile(r"([\\|*_`\[\]<>~])")


def render(ledger: Ledger, base: Path) -> str:
    """The page of the documentation as text, its links as from the folder ``base``."""
    return "\n".join(
        [
            f"# {words.title(ledger)}",
            "",
            words.LEAD,
            "",
            *_totals(ledger),
            "",
            words.LEGEND,
            "",
            "Each test names its experiment: `infoplane reproduce NAME` runs it, in the time that stands with it, and "
            "`infoplane reproduce NAME --quick` a small one. Its name leads to all its numbers. "
            "`infoplane reproduce --all` makes this page, and another for a browser with a picture to every test.",
            "",
            *(line for part in ledger.parts for line in _part(part, base)),
            *_experiments(ledger, base),
        ]
    )


def _totals(ledger: Ledger) -> list[str]:
    rows = []
    for key, title, statements, tests in words.totals(ledger):
        name = f"[{_plain(title)}](#{anchor(title)})" if key else f"**{title}**"
        rows.append([name, *(str(statements[v] or "") for v in words.VERDICTS), words.sentence(tests)])
    return _table(("part", *words.VERDICTS, "tests"), rows)


def anchor(heading: str) -> str:
    """Where a heading is found on the page, as GitHub and MyST name it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _part(part: Part, base: Path) -> list[str]:
    rows: list[list[str]] = []
    for statement in part.statements:
        rows += _statement(statement, base)
    lines = [
        f"## {_plain(part.title)}",
        "",
        f"*{_plain(part.work)}.* {_plain(part.lead)}",
        "",
        *_table(_HEADINGS, rows),
        "",
    ]
    if part.further:
        rows = [row for record, claims in part.further for row in _tests(record, [(c, False) for c in claims], base)]
        lines += ["Tests of our own, and those that decide none of these statements:", "", *_table(_HEADINGS, rows), ""]
    return lines


def _statement(statement: Statement, base: Path) -> list[list[str]]:
    source = f"{_plain(statement.source)}, {words.STANDINGS[statement.standing]}"
    verdict = f"**{statement.verdict}**"
    rows = [
        [
            f"**{_plain(statement.text)}** {source}",
            verdict,
            _plain(f"{words.weighed(statement)} {statement.reason}"),
            "",
        ]
    ]
    for record, tests in words.by_record(statement):
        rows += _tests(record, [(test.claim, test.opposite) for test in tests], base)
    return rows


def _tests(record: Record, claims: Sequence[tuple[Claim, bool]], base: Path) -> list[list[str]]:
    """A row a claim; where the experiment is found, in the first only."""
    rows = []
    for k, (claim, opposite) in enumerate(claims):
        shown = "; ".join(f"{name}: {value}" for name, value in words.deciding(claim))
        verdict = claim.verdict + (words.TURNED.get(claim.verdict, "") if opposite else "")
        rows.append([f"– {_plain(claim.text)}", verdict, _plain(shown), "" if k else _where(record, base)])
    return rows


def _where(record: Record, base: Path) -> str:
    name = f"[{record.name}]({words.link(record.folder and record.folder / 'claims.json', base)})"
    figure = f", [figure]({words.link(record.figure, base)})" if record.figure else ""
    return f"{name}{figure}; {words.cost(record)}"


def _experiments(ledger: Ledger, base: Path) -> list[str]:
    rows = []
    for record in ledger.records:
        counts = words.sentence(words.tally(claim.verdict for claim in record.claims)) or f"*{_plain(record.trouble)}*"
        rows.append([f"`{record.command}`", _plain(record.title), words.cost(record), counts])
    return [
        "## All experiments",
        "",
        f"Together {words.spent(ledger)}. Where no number of cores stands, the run had two, shared with other work.",
        "",
        *_table(("command", "what", "size and time", "tests"), rows),
        "",
    ]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return lines + ["| " + " | ".join(" ".join(cell.split()) for cell in row) + " |" for row in rows]


def _plain(text: str) -> str:
    """Text with what Markdown takes for its own made harmless."""
    return _SPECIAL.sub(r"\\\1", text)
