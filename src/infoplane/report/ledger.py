"""The ledger as one page that needs nothing but a browser; links lead to the files of the experiments beside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..recordings.disk import write_whole
from . import ledger_table, parts
from . import ledger_words as words

if TYPE_CHECKING:
    from ..experiments.base import Claim
    from ..experiments.ledger import Ledger, Part, Record, Statement

_MARKS = {"holds": "✓", "in part": "½", "fails": "✗", "unclear": "?", "not tested": "–"}
_WIDTH = 320  # pixels of a small picture, drawn at half of it


def write(ledger: Ledger, path: str | Path) -> Path:
    """Write the page, or the table if the name of the file ends in ``.md``; whole or not at all.

    Args:
        ledger: what ``reproduce_all`` or ``assemble`` made.
        path: links are relative to its folder.

    Returns:
        The path.

    Raises:
        InputError: the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        base = path.parent.resolve()
        text = ledger_table.render(ledger, base) if path.suffix == ".md" else render(ledger, base)
        write_whole(path, text.encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def render(ledger: Ledger, base: Path) -> str:
    """The page as text, its links as from the folder ``base``; the same for the same input, byte for byte."""
    return parts.template("ledger.html.j2").render(
        title=words.title(ledger),
        lead=words.LEAD,
        legend=words.LEGEND,
        quick=ledger.quick,
        verdicts=words.VERDICTS,
        marks=_MARKS,
        totals=words.totals(ledger),
        spent=words.spent(ledger),
        parts=[_part(part, base) for part in ledger.parts],
        records=[_record(record, base) for record in ledger.records],
        pictures={r.name: _small(r.figure) for r in ledger.records if r.figure is not None},
        style=parts.together("style.css", "ledger.css"),
        scripts=parts.together("ledger.js", "copy.js"),
    )


def _part(part: Part, base: Path) -> dict[str, Any]:
    counts = words.tally(claim.verdict for _, claims in part.further for claim in claims)
    return {
        "key": part.key,
        "work": part.work,
        "title": part.title,
        "lead": part.lead,
        "statements": [_statement(statement, base) for statement in part.statements],
        "further": [(_record(record, base), [_claim(claim) for claim in claims]) for record, claims in part.further],
        "counts": f"{sum(counts.values())}: {words.sentence(counts)}",
    }


def _statement(statement: Statement, base: Path) -> dict[str, Any]:
    groups = [
        (_record(record, base), [_claim(test.claim, opposite=test.opposite) for test in tests])
        for record, tests in words.by_record(statement)
    ]
    return {
        "text": statement.text,
        "source": statement.source,
        "standing": words.STANDINGS[statement.standing],
        "verdict": statement.verdict,
        "reason": statement.reason,
        "counts": words.weighed(statement),
        "groups": groups,
    }


def _claim(claim: Claim, *, opposite: bool = False) -> dict[str, Any]:
    return {
        "text": claim.text,
        "verdict": claim.verdict,
        "source": claim.source,
        "numbers": words.deciding(claim),
        "all": words.numbers(claim),
        "turned": words.TURNED.get(claim.verdict, "").removeprefix(", ") if opposite else "",
    }


def _record(record: Record, base: Path) -> dict[str, Any]:
    folder = record.folder
    page = None if folder is None else folder / "report.html"
    return {
        "name": record.name,
        "title": record.title,
        "command": record.command,
        "cost": words.cost(record),
        "counts": words.sentence(words.tally(claim.verdict for claim in record.claims)),
        "trouble": record.trouble,
        "claims": words.link(None if folder is None else folder / "claims.json", base),
        "figure": words.link(record.figure, base),
        "page": words.link(page, base) if page is not None and page.exists() else "",
    }


def _small(figure: Path) -> dict[str, str]:
    """A small copy of a picture: its shape, and an address that holds the picture itself."""
    from PIL import Image  # comes with matplotlib, which wrote the picture

    with Image.open(figure) as picture:
        small = picture.convert("RGB")
        small.thumbnail((_WIDTH, 10 * _WIDTH), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.quantize(64).save(buffer, "PNG", optimize=True)
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"shape": f"{small.width} / {small.height}", "address": address}
