"""What T is: a layer's activations seen at a resolution, through noise, or as they are.

For a deterministic layer with continuous values, I(X;T) is infinite or constant in the weights, so a plane is never
computed on bare activations. A channel names the variable that is measured instead; the estimator says how.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, xlogy

from . import rows
from .errors import InputError, nearest

RangePolicy = Literal["known", "layer", "global", "snapshot", "std"] | tuple[float, float]
BinKind = Literal["width", "mass", "adaptive"]

_POLICIES = ("known", "layer", "global", "snapshot", "std")
_REACH = 3.0  # standard deviations from the mean to either end of the range "std"


@dataclass(frozen=True)
class Quantize:
    """T at a resolution: every unit is coded on one grid, and T is the tuple of codes over the layer.

    Bins are closed at the top; values outside the range fall into the end bins and are counted.

    Attributes:
        bins: number of bins J of one unit.
        range: "known" (that of a bounded activation, otherwise as "layer"), "layer" (min..max of the layer over all its
            epochs, per seed, so that a moving range cannot fake compression), "global" (over all layers and epochs, per
            seed), or a pair (low, high). Two move with the layer, to tell what its scale alone does from the rest:
            "snapshot" (min..max of the layer at that epoch) and "std" (mean -+ 3 standard deviations of all its values
            at that epoch: bins in units of the deviation); both with kind "width".
        kind: "width" (equal widths), "mass" (quantiles of all values in the range's pool) or "adaptive" (quantiles of
            the unique values per epoch and layer; Chelombiev et al., arXiv:1902.09037, blind to pure shrinkage).
    """

    bins: int = 30
    range: RangePolicy = "known"
    kind: BinKind = "width"

    def __post_init__(self) -> None:
        if not isinstance(self.bins, int | np.integer) or self.bins < 2:
            raise InputError(f"Quantize(bins) needs a whole number of at least 2 bins, got {self.bins!r}.")
        if isinstance(self.range, str):
            if self.range not in _POLICIES:
                known = [*_POLICIES, "(low, high)"]
                raise InputError(f"Quantize has no range {self.range!r}; {nearest(self.range, known)}")
        else:
            object.__setattr__(self, "range", _pair(self.range))
        if self.kind not in ("width", "mass", "adaptive"):
            raise InputError(
                f"Quantize has no kind {self.kind!r}; {nearest(str(self.kind), ['width', 'mass', 'adaptive'])}"
            )
        if self.own_range and self.kind != "width":
            raise InputError(
                f"Quantize(range={self.range!r}) needs kind='width', got {self.kind!r}; quantiles of every snapshot "
                "are kind='adaptive' with another range."
            )

    @property
    def own_range(self) -> bool:
        """Whether every snapshot of a layer has a range of its own."""
        return self.range in ("snapshot", "std")

    @property
    def follows_scale(self) -> bool:
        """Whether bins move with the layer's scale, so that multiplying its values changes nothing."""
        return self.own_range or self.kind == "adaptive"

    def ends(self, values: np.ndarray) -> tuple[float, float]:
        """The range of a layer's values where they set it themselves: "std", or their min..max."""
        if self.range != "std":
            low, high = rows.extents(values)
            return float(low.min()), float(high.max())
        if rows.large(values):
            middle, deviation = rows.mean_and_deviation(values)
        else:
            wide = np.asarray(values, np.float64)
            middle, deviation = float(wide.mean()), float(wide.std())
        return middle - _REACH * deviation, middle + _REACH * deviation

    @property
    def input_name(self) -> str:
        """Name of I(X; T) through this channel: for a deterministic layer it is the entropy of its codes."""
        return f"H(T at {self._bins})"

    @property
    def target_name(self) -> str:
        return f"I(T at {self._bins}; Y)"

    @property
    def _bins(self) -> str:
        of = {"snapshot": " of its own range", "std": f" of {2 * _REACH / self.bins:.2g} std(T)"}
        return f"{self.bins} bins{of.get(str(self.range), '')}"

    def gaussian_information(self, mean: np.ndarray, std: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Exact H(T at J equal bins), in nats, of independent normal units: a truth to hold an estimate against.

        Args:
            mean: (cells, d) means of the units.
            std: (cells, d) standard deviations.
            low: (cells,) lower end of the range.
            high: (cells,) upper end.

        Returns:
            (cells,) sums over the units of their discrete entropies, values outside counted in the end bins.
        """
        inner = low[:, None] + (high - low)[:, None] * (np.arange(1, self.bins) / self.bins)
        below = ndtr((inner[:, None, :] - mean[:, :, None]) / np.maximum(std, 1e-300)[:, :, None])
        mass = np.diff(below, axis=-1, prepend=0.0, append=1.0)
        return -xlogy(mass, mass).sum(axis=(-1, -2))


def _pair(value: object) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        known = ", ".join(map(repr, _POLICIES))
        raise InputError(f"Quantize(range) takes {known} or (low, high), got {value!r}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"Quantize(range=(low, high)) needs finite low < high, got ({low:g}, {high:g}).")
    return low, high


@dataclass(frozen=True)
class AdditiveGaussian:
    """T plus noise of the analysis: S = T + N(0, sigma^2 I). The network itself does not run with it.

    Attributes:
        sigma: standard deviation of the noise; positive.
        relative: if True, sigma is in units of the layer's standard deviation (root mean variance of its units over
            the samples, per snapshot), so that rescaling the layer changes nothing.
    """

    sigma: float
    relative: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.sigma, int | float | np.number) and math.isfinite(self.sigma) and self.sigma > 0):
            raise InputError(f"AdditiveGaussian(sigma) needs a positive number, got {self.sigma!r}.")

    @property
    def follows_scale(self) -> bool:
        """Whether the noise moves with the layer's scale, so that multiplying its values changes nothing."""
        return self.relative

    @property
    def input_name(self) -> str:
        return f"I(X; T + noise {self._sigma})"

    @property
    def target_name(self) -> str:
        return f"I(T + noise {self._sigma}; Y)"

    @property
    def _sigma(self) -> str:
        return f"{self.sigma:.3g}" + (" x std(T)" if self.relative else "")

    def gaussian_information(self, std: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Exact I(X; T + noise), in nats, of independent normal units: sum of ln(1 + (std/sigma)^2) / 2.

        Args:
            std: (cells, d) standard deviations of the units.
            sigma: (cells,) absolute noise.
        """
        return 0.5 * np.log1p((std / sigma[:, None]) ** 2).sum(axis=-1)


@dataclass(frozen=True)
class Identity:
    """T as it is: right where the recording declares the noise its network runs with.

    Attributes:
        assume_stochastic: allow a float layer without declared noise; the result says so. For a deterministic layer
            the true I(X;T) is then infinite or constant, whatever an estimator returns.
    """

    assume_stochastic: bool = False

    @property
    def input_name(self) -> str:
        return "I(X;T), T assumed stochastic" if self.assume_stochastic else "I(X;T) of the noisy network"

    @property
    def target_name(self) -> str:
        return "I(T;Y)"


Channel = Quantize | AdditiveGaussian | Identity


@dataclass(frozen=True)
class OwnNoise:
    """Gaussian noise that a network itself adds to a layer, in training and in evaluation.

    Attributes:
        kind: "additive", T = S + N(0, sigma^2 I), or "multiplicative", T = S N(1, sigma^2) unit by unit.
        sigma: its standard deviation.
        certain: the centre S is a function of the input: no layer before has noise.
    """

    kind: Literal["additive", "multiplicative"]
    sigma: float
    certain: bool
