"""The verb ``calibrate``: how far can an estimator be believed at a user's own size?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
import xarray as xr

from ..errors import InputError
from ..estimators import Automatic, Estimator
from ..progress import Progress, silent
from ..samples import is_real, whole
from . import verdicts
from .cases import Case, measured
from .families import Family, Size, checked_size, chosen
from .grid import assemble

MIS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
_SHARES_OF_LABEL = (0.0, 0.25, 0.5, 0.75, 0.95)  # of ln(classes), the most a label holds


def calibrate(
    n: int,
    dim_x: int,
    dim_y: int = 1,
    estimator: Estimator | None = None,
    *,
    classes: int | None = None,
    mis: Sequence[float] | None = None,
    laws: Sequence[str] | Mapping[str, Family] | None = None,
    repetitions: int = 10,
    tolerance: float = 0.1,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    """Run an estimator on laws with known mutual information at your own size, and say how it did.

    Args:
        n: samples you have.
        dim_x: columns of your X.
        dim_y: columns of your Y.
        estimator: what you mean to use; None is :class:`~infoplane.estimators.Automatic`.
        classes: Y is one label of so many classes, each alike likely; None for columns of floats.
        mis: values of mutual information to try, in nats; 0 to 8 if None, for a label up to 0.95 ln(classes).
        laws: names of families in ``calibration.CONTINUOUS`` or, with classes, ``calibration.LABELS``; or your own,
            as a mapping from names to functions ``(mi, size) -> Law``. All there are for your data if None.
        repetitions: samples drawn of each law, 2 or more.
        tolerance: the bias in nats that the verdict lets pass.
        seed: the first of the repetitions; another one draws others.
        executor: where cases run side by side; one after another if None.
        progress: called with ("calibrating", done, total).

    Returns:
        Over (law, mi, repetition): ``value`` (nan where refused), ``stderr``, ``lower`` and ``upper`` of the 95 %
        interval, ``covered``, ``warned``, ``seconds`` (the first one compiles) and ``data_seed``; over (law, mi):
        ``truth`` (the Student laws have no less than their tails carry), ``bias``, ``bias_stderr``, ``spread``,
        ``coverage``, ``half_width``, ``reason`` where refused; over law: ``verdict`` in words. The attribute
        ``verdict`` is the whole in words.

    Raises:
        InputError: no such size, law or information, fewer than 2 repetitions, or no estimator.
    """
    size = checked_size(dim_x, dim_y, classes)
    n, seed, repetitions = whole(n, "n", 2), whole(seed, "seed"), whole(repetitions, "repetitions", 2)
    if not is_real(tolerance) or not tolerance > 0:
        raise InputError(f"calibrate needs a tolerance above 0 nats, got {tolerance!r}.")
    tried = _estimator(estimator)
    families = chosen(laws, size)
    asked = _informations(mis, size)
    cases = [
        Case(tried, name, family(mi, size), size, mi, n, repetition)
        for repetition in range(seed, seed + repetitions)
        for name, family in families.items()
        for mi in asked
    ]
    records = measured(cases, {}, executor, progress, "calibrating")
    about = {"result": "calibration", "tolerance": tolerance, "title": f"Calibration of {tried.short}"}
    found = assemble(cases, records, **about).squeeze(("estimator", "dimension", "n"))
    words = [verdicts.of_law(found.sel(law=law), tolerance) for law in found["law"].values]
    found["verdict"] = ("law", np.array(words, dtype=object))
    found.attrs["verdict"] = verdicts.of_all(found, tried.short, tolerance)
    return found


def _estimator(estimator: Estimator | None) -> Estimator:
    if estimator is None:
        return Automatic()
    if isinstance(estimator, Estimator):
        return estimator
    raise InputError(f"calibrate needs an estimator such as KSG(k=3) or None, got {estimator!r}.")


def _informations(mis: Sequence[float] | None, size: Size) -> list[float]:
    if mis is None:
        most = float(np.log(size.classes)) if size.classes else 1.0
        return [round(share * most, 4) for share in _SHARES_OF_LABEL] if size.classes else list(MIS)
    values = list(np.atleast_1d(np.asarray(mis, dtype=object)))
    if not values or not all(is_real(mi) and mi >= 0 for mi in values):
        raise InputError(f"mis needs one or more numbers of nats, 0 or more, got {mis!r}.")
    return sorted({float(mi) for mi in values})
