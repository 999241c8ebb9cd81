"""What every compressed estimate says of its compression: loss bounds and residual test; whether two laws look
alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import rows as tables
from .autoencoder import FittedAutoencoder
from .base import Fitted
from .bounds import LossBound, autoencoder_loss_bound, label_loss_bound, pca_loss_bound
from .pca import PCA, FittedPCA
from .probe import held_out_cross_entropy
from .residual import ResidualTest, residual_test, too_few

if TYPE_CHECKING:
    from ..samples import Variable
    from .coding import Codes

_ALIKE = 8  # principal components in which two laws are compared
_ROWS = 2000
_DIRECTING = 500  # samples that give the components
_CLASSES = 20  # that the residual test looks at
_STEP = 0.3  # of the noise, by which samples are moved to see what the noise does to the error of rebuilding
_NO_BOUND = (
    "No bound limits what the compression lost: without noise of known size (sigma) a small error of rebuilding may "
    "hide any amount of information."
)


class Report(NamedTuple):
    """Sentences for an estimate, and the numbers behind them."""

    notes: list[str]
    details: dict[str, Any]


def bounds_of(codes: Codes, x: Variable, y: Variable, sigma: float | None, value: float, seed: int) -> Report:
    """Loss bounds: of the compressor of y where its noise is ``sigma``, and of each side whose other side is a label.

    Where neither applies, the sentence that there is none.
    """
    found = Report([], {})
    one = codes.fitted[1]
    if one is not None and sigma is not None:
        found = _of_noise(noise_bound(one, y.values, sigma, against=value, seed=seed))
    for name, fitted, code, other in zip("xy", codes.fitted, (codes.x, codes.y), (codes.y, codes.x), strict=True):
        if fitted is not None and other.kind == "discrete":
            bound = label_bound(code.values, other.codes, against=value, seed=seed)
            found.notes.append(f"Compressing {name} loses {bound} of what it tells of the labels.")
            found.details[f"label_loss_bound_{name}"] = bound.as_details()
    return found if found.notes else Report([_NO_BOUND], {})


def label_bound(code: np.ndarray, classes: np.ndarray, *, against: float = math.inf, seed: int = 0) -> LossBound:
    """What codes lose of I(T;Y) for labels Y: at most the cross entropy of a held-out vote of neighbours."""
    return label_loss_bound(held_out_cross_entropy(code, classes, seed=seed), against=against)


class NoiseBound(NamedTuple):
    """A loss bound for a variable with known noise.

    Attributes:
        bound: nats.
        of_rebuilt: it compares with the rebuilt variable, not with the code.
        error: E|S - A(S)|^2 that it was made of, at most; nan where the spectrum gives the bound.
        seen: the error of rebuilding the noisy variable.
    """

    bound: LossBound
    of_rebuilt: bool = False
    error: float = math.nan
    seen: float = math.nan


def noise_bound(
    fitted: Fitted, y: np.ndarray, sigma: float, *, against: float = math.inf, seed: int = 0
) -> NoiseBound | None:
    """What a compressor loses of y = S + sigma Z: by the spectrum of S, else by the error of rebuilding S; or nothing.

    Args:
        fitted: the compressor of y.
        y: (n, columns) samples.
        sigma: standard deviation of the noise of every column.
        against: nats; a bound that is not below is marked vacuous.
        seed: of the probing noise.
    """
    if isinstance(fitted, FittedPCA) and (fitted.scale == 1.0).all():
        eigenvalues = np.maximum(fitted.eigenvalues - sigma**2, 0.0)  # those of y before its noise
        total = max(fitted.total - fitted.columns * sigma**2, float(eigenvalues.sum()))
        columns = fitted.columns
        return NoiseBound(pca_loss_bound(eigenvalues, fitted.dim, sigma, total=total, columns=columns, against=against))
    if not fitted.rebuilds:
        return None
    seen, error = noise_free_error(fitted, y, sigma, seed)
    bound = autoencoder_loss_bound(error, fitted.columns, sigma, against=against)
    return NoiseBound(bound, True, error, seen)


def noise_free_error(fitted: Fitted, y: np.ndarray, sigma: float, seed: int = 0) -> tuple[float, float]:
    """The error of rebuilding y = S + sigma Z, and at most that of rebuilding S: E|y - A(y)|^2, E|S - A(S)|^2.

    The bound needs the second, and the first has about sigma^2 for every direction that the code drops. With r(y) = y -
    A(y), the derivative of E|r(S + sqrt(v) Z)|^2 by v is E[trace of the Hessian of |r|^2] / 2 (heat equation), which
    |r(y + t z)|^2 + |r(y - t z)|^2 - 2 |r(y)|^2 over 2 t^2 estimates for a fresh normal z. It is followed back from v =
    sigma^2 to v = 0 along a straight line: exact for an affine A, to first order in sigma^2 for others. Two standard
    errors of the first error are added, since a bound may not be too small by chance.

    Args:
        fitted: the compressor A; its own held-out error counts where it has one, else that on these samples.
        y: (n, columns) samples.
        sigma: standard deviation of the noise.
        seed: of the fresh noise.
    """
    random = np.random.default_rng([seed, 0x5E1])
    rows = np.asarray(tables.taken(y, np.sort(random.permutation(len(y))[:_ROWS])), np.float64)
    step = _STEP * sigma * random.standard_normal(rows.shape)
    here, up, down = (_squared_errors(fitted, rows + shift) for shift in (0.0, step, -step))
    noise = float((up + down - 2.0 * here).mean()) / (2.0 * _STEP**2)
    seen = float(fitted.details.get("squared_error", here.mean()))
    error = float(fitted.details.get("squared_error_stderr", here.std() / math.sqrt(len(here))))
    return seen, max(seen - noise, 0.0) + 2.0 * error


def _squared_errors(fitted: Fitted, y: np.ndarray) -> np.ndarray:
    return ((y - fitted.decode(fitted.encode(y))) ** 2).sum(axis=1)


def _of_noise(found: NoiseBound | None) -> Report:
    if found is None:
        return Report([], {})
    bound = found.bound
    if not found.of_rebuilt:
        return Report([f"Compressing y loses {bound}."], {"loss_bound_y": bound.as_details()})
    note = (
        f"y knows no more than its rebuilt form with half its noise and {bound.value:.3g} nats"
        f"{' (vacuous: no less than the value itself)' if bound.vacuous else ''}, from a squared error of rebuilding y "
        f"before its noise of at most {found.error:.3g} ({found.seen:.3g} with it)."
    )
    details = {**bound.as_details(), "squared_error": found.error, "squared_error_with_noise": found.seen}
    return Report([note], {"loss_bound_y": details})


def residuals_of(codes: Codes, x: Variable, y: Variable, value: float, seed: int) -> Report:
    """The residual test of each compressed side against the other."""
    notes: list[str] = []
    tested: list[tuple[str, ResidualTest]] = []
    for side, (mine, other) in enumerate(((x, y), (y, x))):
        fitted = codes.fitted[side]
        if not isinstance(fitted, FittedPCA | FittedAutoencoder):
            continue
        code = (codes.x, codes.y)[side].values
        if too_few(*code.shape):
            notes.append(
                f"{len(code)} samples are too few to test what compressing {mine.name} to {fitted.dim} dropped."
            )
            continue
        against, values = (tables.picked(v, codes.rows) for v in (_numbers(other), mine.values))
        tested.append((mine.name, residual_test(values, code, fitted, against, seed=seed + side)))
    if not tested:
        return Report(notes, {})
    p = min(1.0, len(tested) * min(test.p_value for _, test in tested))
    name, strongest = max(tested, key=lambda t: t[1].information)
    details: dict[str, Any] = {"residual_p_value": p, "residual_information": strongest.information}
    if strongest._replace(p_value=p).alarming(value):
        details["residual_warning"] = (
            f"What the compression dropped of {name} still tells of the other side (p = {p:.2g}, at least "
            f"{strongest.information:.2g} nats): the value is too low; use more dimensions or an autoencoder."
        )
    else:
        added = f"{strongest.information:.2g} nats in a linear test (p = {p:.2g})"
        notes.append(f"What the compression dropped adds {added}.")
    return Report(notes, details)


def same_law(x: np.ndarray, y: np.ndarray, seed: int) -> bool:
    """Whether two samples of equal width look like one distribution: Kolmogorov-Smirnov along leading components."""
    random = np.random.default_rng([seed, 0x5A3E])
    a, b = (np.asarray(tables.taken(v, np.sort(random.permutation(len(v))[:_ROWS])), np.float64) for v in (x, y))
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
    return v.codes[:, None] == np.arange(min(v.n_classes, _CLASSES))
