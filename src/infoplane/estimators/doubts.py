"""What neighbours cannot see through: copies of samples, unlike columns, columns that others determine, outliers."""

from __future__ import annotations

import numpy as np

from ..samples import Variable

_COPIES = 0.05  # share of the samples from which copies are no coincidence
_DISTINCT = 0.1  # share of the samples that differ; below, they are classes passed as floats
_UNLIKE = 100.0  # ratio of standard deviations from which the smaller column hardly counts
_HEAVY = 50.0  # kurtosis (3 for a normal) from which a few values set the scale
_ENOUGH = 200  # samples for a dimension to within 0.2
_RANKS = 5  # neighbours the dimension is read from


def row_keys(values: np.ndarray) -> np.ndarray:
    """(n,) whole numbers that are equal where rows of (n, d) float64 are: a 64-bit mix of their bits."""
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)  # -0 becomes 0
    odd = np.random.default_rng(0).integers(0, 2**63, values.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    mixed = (bits ^ (bits >> np.uint64(29))) * odd
    return (mixed ^ (mixed >> np.uint64(32))).sum(axis=1, dtype=np.uint64)


def copied_samples(x: Variable, y: Variable) -> tuple[str, ...]:
    """A warning where samples were repeated, as by a bootstrap or by oversampling."""
    distinct = distinct_rows(x, y)
    if distinct is None:
        return ()
    return (
        f"{x.n - len(distinct)} of {x.n} rows are exact copies of others: repeated samples count as ties that tell, "
        "which reads high; drop the copies, or pass groups=.",
    )


def distinct_rows(x: Variable, y: Variable) -> np.ndarray | None:
    """Indices of the samples without their copies, or None where no samples were copied; atoms are something else.

    Copied samples repeat many different pairs, and what is continuous hardly repeats otherwise. An atom repeats one
    value, and with many partners.
    """
    sides = [(v.codes[:, None] if v.kind == "discrete" else v.values).astype(np.float64) for v in (x, y)]
    keys = row_keys(np.hstack(sides))
    _, first, often = np.unique(keys, return_index=True, return_counts=True)
    distinct, repeated = len(first), int((often > 1).sum())
    continuous = [side for v, side in zip((x, y), sides, strict=True) if v.kind == "continuous"]
    if not continuous or repeated < _COPIES * distinct or distinct < _DISTINCT * x.n:
        return None
    if any(len(np.unique(row_keys(side[first]))) < 0.9 * distinct for side in continuous):
        return None
    return np.sort(first)


def unlike_columns(name: str, values: np.ndarray, who: str, remedy: str) -> tuple[str, ...]:
    """A warning where columns of (n, d) values are so unlike in scale that the smaller are not seen."""
    spread = values.std(axis=0)
    least = spread[spread > 0.0].min(initial=np.inf)
    if not spread.max() > _UNLIKE * least:
        return ()
    return (
        f"The columns of {name} differ {spread.max() / least:.2g}-fold in scale and {who} compares them as they are, "
        f"so the smaller hardly count; {remedy} unless that is meant.",
    )


def extreme_values(x: Variable) -> tuple[str, ...]:
    """A warning where so few values set a column's scale that the rest are a point beside them."""
    if x.kind == "discrete":
        return ()
    values = np.asarray(x.values, np.float64)
    deviations = np.abs(values - values.mean(axis=0))
    largest = deviations.max(axis=0)
    squares = (deviations / np.where(largest > 0, largest, 1.0)) ** 2
    mean = squares.mean(axis=0)
    kurtosis = (squares**2).mean(axis=0) / np.where(mean > 0, mean, 1.0) ** 2
    column = int(np.argmax(kurtosis))
    if not kurtosis[column] > _HEAVY:
        return ()
    return (
        f"{x.name}[:, {column}] has a kurtosis of {kurtosis[column]:.2g} (a normal law has 3): a few extreme values "
        "set its scale and may spoil the value; drop them if they are errors, or use ranks, as "
        "Gaussian(copula='gaussian') does.",
    )


def lost_dimensions(rho: np.ndarray, d: int) -> tuple[str, ...]:
    """A warning where neighbours spread in fewer dimensions than the columns have.

    The distances to the neighbours of a sample grow as the power 1 / m of their rank in m dimensions, so the mean of
    ln(rho_k / rho_j) over j < k is 1 / m; k = 5 at most. It is read where densities of full dimension keep clear of it:
    normal, uniform, Student (3) and lognormal laws read 0.92 d to 1.06 d up to 4 dimensions from n = 300 on, and
    0.78 d at the least in 6; a column that is the square or a sine of another takes 0.7 to 1 dimension away.

    Args:
        rho: (n, k) ascending distances to the nearest neighbours.
        d: dimensions of the coordinates they were measured in.
    """
    rho = rho[:, :_RANKS]
    rho = rho[rho[:, 0] > 0]
    if d < 2 or rho.shape[1] < 3 or len(rho) < _ENOUGH:
        return ()
    growth = float(np.log(rho[:, -1:] / rho[:, :-1]).mean())
    found = 1.0 / growth if growth > 0 else d
    if found >= (d - 0.6 if d <= 5 else 0.65 * d):
        return ()
    return (
        f"In {d} dimensions neighbours spread as in {found:.1f}: columns are nearly functions of others, so a density "
        "in all dimensions does not exist or is too thin to see; drop such columns, or compare KSG() or Compressed().",
    )
