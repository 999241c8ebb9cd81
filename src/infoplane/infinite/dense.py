"""Fully connected networks of infinite width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import inputs
from .duals import Activation, Dual, activation_of
from .kernels import Kernels, joined
from .layers import Scales, after, first, room_like
from .tiles import fill

_SIDE = 256  # of a tile whose inner products are one matrix product
_STRIP = 16_384  # numbers of a tile that go through all layers together: their arrays stay in the second-level cache


@dataclass(frozen=True)
class Dense:
    """Fully connected networks with ``depth`` hidden layers, each as wide as can be, and one linear output.

    A linear layer computes weight_std / sqrt(inputs) W h + bias_std b with all parameters N(0, 1) at the start (NTK
    parametrisation). With g_1 = Linear(x), hidden layer l is f(g_l), and g_{l+1} = Linear(f(g_l)), up to the output
    g_{depth+1}. With ``residual``, hidden layers from the second on add what they were given:
    g_{l+1} = g_l + Linear(f(g_l)) for l = 1, ..., depth - 1; the output layer adds nothing.

    Kernels are exact at infinite width, float64. Cost: n1 n2 (d + about 10 depth) operations, half of it for one set of
    points; memory: the kernels themselves.

    Attributes:
        depth: hidden layers; 0 is the linear model.
        activation: "erf", "relu", "linear", or a user's :class:`Dual`.
        weight_std: standard deviation of the weights, before the division by the square root of the inputs.
        bias_std: of the biases.
        residual: whether hidden layers add what they were given.
    """

    depth: int
    activation: str | Dual = "erf"
    weight_std: float = 1.5
    bias_std: float = 0.1
    residual: bool = False

    def __post_init__(self) -> None:
        inputs.checked_count(self.depth, "depth", "Dense", 0)
        activation_of(self.activation, "Dense")
        inputs.checked_scale(self.weight_std, "weight_std", "Dense")
        inputs.checked_scale(self.bias_std, "bias_std", "Dense")
        inputs.checked_flag(self.residual, "residual", "Dense")

    @property
    def curved(self) -> bool:
        """Whether the curvature kernel Q exists: smooth activations with a known second derivative, or none."""
        return self.depth == 0 or self._dual.curved

    @property
    def _dual(self) -> Activation:
        return activation_of(self.activation, "Dense")

    @property
    def _scales(self) -> Scales:
        return Scales(float(self.weight_std) ** 2, float(self.bias_std) ** 2)

    def kernels(self, x1: Any, x2: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """NNGP kernel K and neural tangent kernel T of all pairs of points.

        Args:
            x1: (n1, d) points; images are flattened.
            x2: (n2, d) points; None: those of x1, symmetric and with exact diagonals.

        Returns:
            Two float64 arrays (n1, n2), or (n1, n1).

        Raises:
            InputError: nan or infinity, text, widths that differ, or values too large for digits to be left.
        """
        return self.covariances(x1, x2)[:2]

    def covariances(self, x1: Any, x2: Any = None, *, curvature: bool = False) -> Kernels:
        """The same with the curvature kernel Q where it is asked for and exists.

        Raises:
            InputError: as :meth:`kernels`.
        """
        curvature = curvature and self.curved
        a = inputs.points(x1, "x1", "Dense")
        b = a if x2 is None else inputs.points(x2, "x2", "Dense")
        inputs.matching(a, b, "Dense")
        left = self._courses(a, curvature)
        right = left if x2 is None else self._courses(b, curvature)

        def tile(rows: slice, cols: slice) -> Kernels:
            products = a[rows] @ b[cols].T
            height = max(1, _STRIP // products.shape[1])
            variances = [state.nngp[cols] for state in right]
            parts = []
            for start in range(0, len(products), height):
                strip = slice(rows.start + start, min(rows.start + start + height, rows.stop))
                rows_of = [state.nngp[strip, None] for state in left]
                parts.append(self._strip(products[start : start + height], rows_of, variances, curvature, a.shape[1]))
            return joined(parts)

        whole = fill(len(a), None if x2 is None else len(b), _SIDE, 3 if curvature else 2, tile, "Dense")
        if x2 is None:
            for part, exact in zip(whole, left[-1], strict=True):
                if part is not None and exact is not None:
                    np.fill_diagonal(part, exact)
        return whole

    def diagonals(self, x: Any, *, curvature: bool = False) -> Kernels:
        """The kernels of each point with itself, (n,) each, exact and without the pairs.

        Raises:
            InputError: as :meth:`kernels`.
        """
        return self._courses(inputs.points(x, "x", "Dense"), curvature and self.curved)[-1]

    def _strip(
        self, products: np.ndarray, left: list[np.ndarray], right: list[np.ndarray], curvature: bool, width: int
    ) -> Kernels:
        """The output's kernels from inner products of points, and the variances of all layers on both sides."""
        state = first(products, self._first(width), curvature)
        for layer in range(self.depth):
            moments = self._dual.moments(state.nngp, left[layer], right[layer], room_like(state.nngp), curvature)
            state = after(state, moments, self._scales, skip=self._skips(layer))
        return state

    def _courses(self, x: np.ndarray, curvature: bool) -> list[Kernels]:
        """Diagonals after every linear layer, (n,) each: the first's, ..., the output's."""
        state = first(np.einsum("ij,ij->i", x, x), self._first(x.shape[1]), curvature)
        courses = [state]
        for layer in range(self.depth):
            copy = state.map(np.copy)
            moments = self._dual.diagonal(copy.nngp, curvature)
            state = after(copy, moments, self._scales, skip=self._skips(layer))
            courses.append(state)
        inputs.tame(courses, "Dense")
        return courses

    def _first(self, width: int) -> Scales:
        return Scales(self._scales.weight / width, self._scales.bias)

    def _skips(self, layer: int) -> bool:
        return self.residual and layer < self.depth - 1
