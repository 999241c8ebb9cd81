"""What every compressed estimate says of its compression: loss bounds and residual test; whether two laws look
alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .autoencoder import FittedAutoencoder
from .base import Fitted
from .bounds import autoencoder_loss_bound, pca_loss_bound
from .pca import PCA, FittedPCA
from .residual import residual_test

if TYPE_CHECKING:
    from ..samples import Variable
    from .coding import Codes

_ALIKE = 8  # principal components in which two laws are compared
_ROWS = 2000
_DIRECTING = 500  # samples that give the components
_CLASSES = 20  # that the residual test looks at
_NO_BOUND = (
    "No bound limits what the compression lost: without noise of known size (sigma) a small error of rebuilding may "
    "hide any amount of information."
)


class Report(NamedTuple):
    """Sentences for an estimate, and the numbers behind them."""

    notes: list[str]
    details: dict[str, Any]


def bounds_of(fitted: tuple[Fitted | None, Fitted | None], sigma: float | None, value: float) -> Report:
    """Loss bounds of the compressor of y, whose noise is ``sigma``; or the sentence that there is none."""
    if sigma is None:
        return Report([_NO_BOUND], {})
    one = fitted[1]
    if isinstance(one, FittedPCA) and (one.scale == 1.0).all():
        eigenvalues = np.maximum(one.eigenvalues - sigma**2, 0.0)  # those of y before its noise
        total = max(one.total - one.columns * sigma**2, float(eigenvalues.sum()))
        bound = pca_loss_bound(eigenvalues, one.dim, sigma, total=total, columns=one.columns, against=value)
        return Report([f"Compressing y loses {bound}."], {"loss_bound_y": bound.as_details()})
    error = one.details.get("squared_error") if one is not None else None
    if error is None:
        return Report([_NO_BOUND], {})
    assert one is not None
    bound = autoencoder_loss_bound(error, one.columns, sigma, against=value)
    note = f"y knows no more than its rebuilt form with half its noise and {bound.value:.3g} nats"
    note += " (vacuous: no less than the value itself)." if bound.vacuous else "."
    return Report([note], {"loss_bound_y": bound.as_details()})


def residuals_of(codes: Codes, x: Variable, y: Variable, value: float, seed: int) -> Report:
    """The residual test of each compressed side against the other."""
    notes, details = [], {}
    tested = []
    for side, (mine, other) in enumerate(((x, y), (y, x))):
        fitted = codes.fitted[side]
        if not isinstance(fitted, FittedPCA | FittedAutoencoder):
            continue
        code = (codes.x, codes.y)[side].values
        against = _numbers(other)[codes.rows]
        tested.append((mine.name, residual_test(mine.values[codes.rows], code, fitted, against, seed=seed + side)))
    if not tested:
        return Report([], {})
    p = min(1.0, len(tested) * min(test.p_value for _, test in tested))
    name, strongest = max(tested, key=lambda t: t[1].information)
    details = {"residual_p_value": p, "residual_information": strongest.information}
    if strongest._replace(p_value=p).alarming(value):
        details["residual_warning"] = (
            f"What the compression dropped of {name} still tells of the other side (p = {p:.2g}, at least "
            f"{strongest.information:.2g} nats): the value is too low; use more dimensions or an autoencoder."
        )
    else:
        notes = [f"What the compression dropped adds {strongest.information:.2g} nats in a linear test (p = {p:.2g})."]
    return Report(notes, details)


def same_law(x: np.ndarray, y: np.ndarray, seed: int) -> bool:
    """Whether two samples of equal width look like one distribution: Kolmogorov-Smirnov along leading components."""
    random = np.random.default_rng([seed, 0x5A3E])
    a, b = (np.asarray(v[np.sort(random.permutation(len(v))[:_ROWS])], np.float64) for v in (x, y))
    both = np.concatenate([a, b])
    if not (both != both[0]).any():
        return True
    fitted = PCA(min(_ALIKE, both.shape[1]), standardise=True).fit(both[:: len(both) // _DIRECTING + 1], seed=seed)
    first, second = fitted.encode(a), fitted.encode(b)
    reach = 2.0 * np.sqrt(1.0 / len(a) + 1.0 / len(b))  # one component exceeds it by chance in 1 of 1,500
    return all(_distance(first[:, k], second[:, k]) <= reach for k in range(fitted.dim))


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest gap between two empirical distribution functions."""
    points = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(v), points, side="right") / len(v) for v in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def _numbers(v: Variable) -> np.ndarray:
    """Values, or indicators of the first classes."""
    if v.kind == "continuous":
        return v.values
    return (v.codes[:, None] == np.arange(min(v.n_classes, _CLASSES))).astype(np.float64)
