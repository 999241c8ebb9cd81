"""One line before a run that is expected to take more than a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from . import screen

if TYPE_CHECKING:
    from ..costs import Cost
    from ..estimators import Estimator
    from ..recordings.base import Recording

_FROM = 20_000  # samples; fewer are done before one could say how long they take, by all but a few methods
_LONG = 60.0  # seconds


def estimate(estimator: Estimator | None, x: Any, y: Any, null: int) -> None:
    """Foretell ``infoplane estimate``; data that do not fit are left for the run itself to refuse."""
    n = len(np.atleast_1d(x))
    if n < _FROM:
        return
    from .. import cost
    from ..estimators import Automatic

    try:
        dims = [1 if np.ndim(v) < 2 else int(np.prod(np.shape(v)[1:])) for v in (x, y)]
        _tell(cost(estimator or Automatic(), n, dims[0], dims[1], null=null, data=(x, y)))
    except InputError:
        return


def plane(recording: Recording, estimator: Estimator, null: int) -> None:
    """Foretell ``infoplane plane``, likewise."""
    if recording.probe.n < _FROM:
        return
    from .. import plane_cost

    try:
        found = plane_cost(recording, estimator, null=null)
    except InputError:
        return
    if found is not None:
        _tell(found)


def experiment(name: str, quick: bool, folder: Path) -> None:
    """Foretell ``infoplane reproduce NAME`` by what it took where its results are kept; nothing of one begun before."""
    if (folder / "run.json").exists():
        return
    from ..experiments import durations
    from ..report.ledger_words import duration

    full, reduced = durations.seconds(name, False), durations.seconds(name, True)
    seconds = reduced if quick else full
    if seconds is None or seconds < _LONG:
        return
    shorter = "" if quick or reduced is None else f" (with --quick {duration(reduced)})"
    screen.remark(
        f"With all seeds this took {duration(seconds)} when it was measured{shorter}; stopped, it goes on when called "
        "again."
    )


def _tell(found: Cost) -> None:
    if found.seconds > _LONG:
        screen.remark(
            f"This takes {found}; a smaller --null, another --set, or "
            '--estimator "Subsampled(..., samples=10000)" makes it shorter.'
        )
