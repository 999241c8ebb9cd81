"""What an experiment leaves in its folder, each file whole or not at all; and the small copy for version control."""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..recordings.disk import write_whole
from ..results import compact, save

if TYPE_CHECKING:
    from .base import Result


def claim(folder: Path, run: dict[str, Any]) -> None:
    """Make the folder this run's own, or make sure that it is.

    Raises:
        InputError: it holds something else, or cannot be written.
    """
    mark = folder / "run.json"
    try:
        for left in folder.glob(".*.partial"):  # of a call that was killed while it wrote
            left.unlink()
        if mark.exists():
            if json.loads(mark.read_text()) != run:
                raise InputError(
                    f"{folder} holds another run ({mark.read_text().strip()}); choose a new --out or delete it."
                )
            return
        folder.mkdir(parents=True, exist_ok=True)
        if any(not entry.name.endswith(".partial") for entry in folder.iterdir()):
            raise InputError(f"{folder} is not empty and holds no run; choose a new --out.")
        write_whole(mark, json.dumps(run).encode())
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{folder} cannot be used: {getattr(error, 'strerror', None) or error}.") from None


def wall_time(folder: Path | None) -> float:
    """Seconds that earlier calls on this folder took; 0 where there were none, or none that ended."""
    try:
        return float(json.loads((folder / "claims.json").read_text())["wall_time_s"]) if folder else 0.0
    except (OSError, ValueError, KeyError):
        return 0.0


def cores() -> int:
    """How many cores this process may use: what its wall time is to be read with."""
    allowed = getattr(os, "sched_getaffinity", None)  # of Linux only
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def write(result: Result, folder: Path) -> None:
    """Datasets, figures, claims, and a report where there are planes."""
    from .. import report
    from .base import planes

    for name, dataset in result.datasets.items():
        save(dataset, folder / f"{name}.nc")
    _write_small(result, folder)
    if shown := planes(result.datasets):
        report.write(shown, folder / "report.html", title=result.title)


def keep(result: Result, folder: Path) -> None:
    """The same without recordings and report, values cut to four digits: small enough for version control.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_small(result, folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from None
    for name, dataset in result.datasets.items():
        save(compact(dataset), folder / f"{name}.nc")


def _write_small(result: Result, folder: Path) -> None:
    (folder / "figures").mkdir(exist_ok=True)
    for name, figure in result.figures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150)
        write_whole(folder / "figures" / f"{name}.png", buffer.getvalue())
    summary = {
        "experiment": result.name,
        "title": result.title,
        "command": result.command,
        "wall_time_s": round(result.wall_time, 1),
        "cores": cores(),
        "claims": [asdict(claim) for claim in result.claims],
    }
    write_whole(folder / "claims.json", json.dumps(summary, indent=1, ensure_ascii=False).encode())
