"""Convolutional networks of infinitely many channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from . import inputs
from .duals import Activation, Dual, Moments, activation_of
from .kernels import Kernels, joined, refuse_beyond
from .layers import Scales, after, first, room_like
from .tiles import fill, workers
from .windows import Padding, left_over, window_sums

_TILE = 32_768  # numbers of a tile, where more than one pair of images fits: its arrays stay in the cache
_BUDGET = 4e9  # bytes that the pairs being worked on may take
_ARRAYS = 9  # of a tile's size, alive at once


@dataclass(frozen=True)
class Conv:
    """Convolutional networks with ``depth`` hidden layers of infinitely many channels, and one linear output.

    A layer computes weight_std / sqrt(filter^2 channels) times the sum of its weights over the window and the channels
    before, plus bias_std b, stride 1, all parameters N(0, 1) at the start. With g_1 = Conv(x), hidden layer l is
    f(g_l) and g_{l+1} = Conv(f(g_l)). The readout of f(g_depth) is a linear layer over all positions and channels
    ("flatten"), or over the channels' means over positions ("pool"). With ``residual``, hidden layers from the second
    on add what they were given: g_{l+1} = g_l + Conv(f(g_l)) for l = 1, ..., depth - 1. Max-pooling has no closed form.

    Cost with P positions: about 10 depth n1 n2 P operations for "flatten", n1 n2 P^2 for "pool" (half for one set of
    images), in tiles of pairs of images. Memory beyond the kernels: some MB for "flatten", about 70 P^2 bytes a core
    for "pool".

    Attributes:
        depth: hidden layers, 1 or more.
        activation: "erf", "relu", "linear", or a user's :class:`Dual`.
        weight_std: standard deviation of the weights, before the division by the square root of the inputs.
        bias_std: of the biases.
        filter: side of the square filter.
        padding: "SAME" (zeros outside, which count in the average), "VALID", or "CIRCULAR" (periodic).
        readout: "flatten" or "pool".
        residual: whether hidden layers add what they were given; not with "VALID", which changes the size.
    """

    depth: int
    activation: str | Dual = "erf"
    weight_std: float = 1.5
    bias_std: float = 0.1
    filter: int = 3
    padding: Padding = "SAME"
    readout: Literal["flatten", "pool"] = "flatten"
    residual: bool = False

    def __post_init__(self) -> None:
        inputs.checked_count(self.depth, "depth", "Conv", 1)
        inputs.checked_count(self.filter, "filter", "Conv", 1)
        activation_of(self.activation, "Conv")
        inputs.checked_scale(self.weight_std, "weight_std", "Conv")
        inputs.checked_scale(self.bias_std, "bias_std", "Conv")
        inputs.checked_flag(self.residual, "residual", "Conv")
        for name, known in (("padding", ("SAME", "VALID", "CIRCULAR")), ("readout", ("flatten", "pool"))):
            if getattr(self, name) not in known:
                raise InputError(f"Conv needs {name} as one of {', '.join(known)}, got {getattr(self, name)!r}.")
        if self.residual and self.padding == "VALID":
            raise InputError("Conv adds what a layer was given only where sizes match: take padding SAME or CIRCULAR.")

    @property
    def curved(self) -> bool:
        """Whether the curvature kernel Q exists: for smooth activations whose second derivative is known."""
        return self._dual.curved

    @property
    def _dual(self) -> Activation:
        return activation_of(self.activation, "Conv")

    def kernels(self, x1: Any, x2: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """NNGP kernel K and neural tangent kernel T of all pairs of images.

        Args:
            x1: (n1, height, width, channels), or (n1, height, width).
            x2: (n2, ...) images; None: those of x1, symmetric and with exact diagonals.

        Returns:
            Two float64 arrays (n1, n2), or (n1, n1).

        Raises:
            InputError: nan or infinity, text, shapes that differ or are smaller than the filters need, values too large
                for digits to be left, or more memory than is sensible; the message states how much.
        """
        return self.covariances(x1, x2)[:2]

    def covariances(self, x1: Any, x2: Any = None, *, curvature: bool = False) -> Kernels:
        """The same with the curvature kernel Q where it is asked for and exists.

        Raises:
            InputError: as :meth:`kernels`.
        """
        curvature = curvature and self.curved
        a = self._images(x1, "x1")
        b = a if x2 is None else self._images(x2, "x2")
        inputs.matching(a, b, "Conv")
        self._check_memory(a)
        left = self._courses(a, curvature)
        right = left if x2 is None else self._courses(b, curvature)

        def tile(rows: slice, cols: slice) -> Kernels:
            variances = [state.nngp[rows] for state in left], [state.nngp[cols] for state in right]
            return self._tile(a[rows], b[cols], *variances, curvature)

        whole = fill(len(a), None if x2 is None else len(b), self._side(a), 3 if curvature else 2, tile, "Conv")
        if x2 is None and self.readout == "flatten":  # pooled ones are exact as they are: equal pixels correlate by 1
            for part, exact in zip(whole, self._flat(left, curvature), strict=True):
                if part is not None and exact is not None:
                    np.fill_diagonal(part, exact)
        return whole

    def diagonals(self, x: Any, *, curvature: bool = False) -> Kernels:
        """The kernels of each image with itself, (n,) each, without the other pairs.

        Raises:
            InputError: as :meth:`kernels`.
        """
        curvature = curvature and self.curved
        a = self._images(x, "x")
        self._check_memory(a)
        courses = self._courses(a, curvature)
        if self.readout == "flatten":
            return self._flat(courses, curvature)
        parts = []
        for i in range(len(a)):
            variances = [state.nngp[i : i + 1] for state in courses]
            parts.append(self._tile(a[i : i + 1], a[i : i + 1], variances, variances, curvature))
        return joined(parts).map(lambda part: part[:, 0])

    def _images(self, x: Any, name: str) -> np.ndarray:
        found = inputs.images(x, name, "Conv")
        lost = found.shape[1] - left_over(found.shape[1], self.filter, self.padding)
        if min(found.shape[1:3]) <= lost * self.depth:
            raise InputError(
                f"Conv with {self.depth} layers of filter {self.filter} and padding VALID needs images larger than "
                f"{lost * self.depth} x {lost * self.depth}, got {found.shape[1]} x {found.shape[2]}; take SAME."
            )
        return found

    def _check_memory(self, x: np.ndarray) -> None:
        """Refuse a pair of images too large to hold all pairs of positions of."""
        if self.readout == "pool":
            positions = x.shape[1] * x.shape[2]
            refuse_beyond(
                8.0 * _ARRAYS * positions**2 * workers(), _BUDGET,
                f"Conv(readout='pool') on images of {x.shape[1]} x {x.shape[2]}",
                "Each pair of images takes the square of their positions: shrink them, or take readout='flatten'.",
            )  # fmt: skip

    def _side(self, x: np.ndarray) -> int:
        positions = x.shape[1] * x.shape[2]
        numbers = positions if self.readout == "flatten" else positions**2
        return max(1, min(256, int((_TILE / numbers) ** 0.5)))

    def _tile(
        self, a: np.ndarray, b: np.ndarray, left: list[np.ndarray], right: list[np.ndarray], curvature: bool
    ) -> Kernels:
        """The output's kernels of some images with others, from the variances of all layers on both sides."""
        flat = self.readout == "flatten"
        groups = ((2,), (3,)) if flat else ((2, 4), (3, 5))
        state = self._first(_products(a, b) if flat else _all_products(a, b), a.shape[3], groups, curvature)
        for layer in range(self.depth):
            rows = left[layer][:, None] if flat else left[layer][:, None, :, :, None, None]
            cols = right[layer] if flat else right[layer][:, None, None]
            moments = self._dual.moments(state.nngp, rows, cols, room_like(state.nngp), curvature)
            state = self._next(state, moments, layer, groups)
        return state

    def _courses(self, x: np.ndarray, curvature: bool) -> list[Kernels]:
        """Diagonals of equal positions after every convolution, (n, h, w) each."""
        axes = ((1,), (2,))
        state = self._first(np.einsum("ahwc,ahwc->ahw", x, x), x.shape[3], axes, curvature)
        courses = [state]
        for layer in range(self.depth - 1):
            copy = state.map(np.copy)
            state = self._next(copy, self._dual.diagonal(copy.nngp, curvature), layer, axes)
            courses.append(state)
        inputs.tame(courses, "Conv")
        return courses

    def _flat(self, courses: list[Kernels], curvature: bool) -> Kernels:
        """The output's diagonals (n,) of a flattened network."""
        last = courses[-1].map(np.copy)
        return self._next(last, self._dual.diagonal(last.nngp, curvature), self.depth - 1, ((1,), (2,)))

    def _first(self, k: np.ndarray, channels: int, groups: tuple[tuple[int, ...], ...], curvature: bool) -> Kernels:
        k = window_sums(k, groups, self.filter, self.padding)
        return first(k, self._scales(channels * self.filter**2), curvature)

    def _next(self, state: Kernels, moments: Moments, layer: int, groups: tuple[tuple[int, ...], ...]) -> Kernels:
        """After the layer's nonlinearity and the next convolution, or the readout after the last."""
        if layer < self.depth - 1:
            scales = self._scales(self.filter**2)
            mix = partial(window_sums, groups=groups, size=self.filter, padding=self.padding)
            return after(state, moments, scales, mix, skip=self.residual)
        axes = tuple(axis for group in groups for axis in group)
        positions = int(np.prod([state.nngp.shape[axis] for axis in axes]))
        return after(state, moments, self._scales(positions), lambda v: v.sum(axis=axes))

    def _scales(self, averaged: int) -> Scales:
        return Scales(float(self.weight_std) ** 2 / averaged, float(self.bias_std) ** 2)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n1, n2, h, w) inner products over the channels at equal positions."""
    total = a[:, None, :, :, 0] * b[None, :, :, :, 0]
    for channel in range(1, a.shape[3]):
        total += a[:, None, :, :, channel] * b[None, :, :, :, channel]
    return total


def _all_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n1, n2, h, w, h, w) inner products over the channels at all pairs of positions."""
    return np.ascontiguousarray(np.tensordot(a, b, (3, 3)).transpose(0, 3, 1, 2, 4, 5))
