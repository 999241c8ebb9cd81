"""When to look: epochs spaced evenly on a logarithmic axis."""

from __future__ import annotations

import numpy as np

from ..samples import whole


def log_spaced(epochs: int, count: int = 30) -> list[int]:
    """Epochs at which to take snapshots: 0, and the distinct whole numbers among log-spaced points up to the last.

    Most happens early: ``if epoch in log_spaced(300): watch.snapshot(epoch)`` looks about 20 times in place of 300.

    Args:
        epochs: the last epoch.
        count: log-spaced points; small epochs are whole numbers and coincide, so fewer remain.

    Returns:
        Rising whole numbers, the first 0 and the last ``epochs``.

    Raises:
        InputError: not a whole number of epochs, or of points, from 1.
    """
    last, points = whole(epochs, "log_spaced(epochs)", low=1), whole(count, "log_spaced(count)", low=1)
    exact = np.logspace(0.0, np.log10(last), points) + 1e-9  # whole numbers may come out a rounding below
    return np.unique(np.r_[0, np.floor(exact).astype(int), last]).tolist()
