"""Random networks of finite width, drawn from the same law as the infinite ones: what those are checked against.

One backward pass gives the gradient of the output in every parameter, in NumPy, so that the empirical tangent kernel
J J' and the outputs of many small networks cost little. A few points and widths of some hundred are what this is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf

from ..errors import InputError
from ..samples import whole
from ..threads import one_blas_thread
from . import inputs
from .conv import Conv
from .dense import Dense
from .duals import Dual
from .windows import left_over


class Nonlinearity(NamedTuple):
    """A function of arrays and its derivative."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


_KNOWN = {
    "erf": Nonlinearity(lambda u: erf(u), lambda u: 2 / np.sqrt(np.pi) * np.exp(-u * u)),
    "relu": Nonlinearity(lambda u: np.maximum(u, 0), lambda u: (u > 0).astype(float)),
    "linear": Nonlinearity(lambda u: u, np.ones_like),
}


class _Pass(NamedTuple):
    """By linear layer: what it multiplies its weights with (n, positions, inputs), and what it gives."""

    seen: list[np.ndarray]
    given: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Finite:
    """One network of finite width, with one output; :func:`draw` makes it.

    Attributes:
        net: the infinite network whose law it has.
        shape: of one point: (d,), or (height, width, channels).
        weights: of every linear layer, (inputs, outputs); inputs of a convolution are places of the window x channels.
        biases: of every linear layer, (outputs,).
        function: the nonlinearity.
    """

    net: Dense | Conv
    shape: tuple[int, ...]
    weights: list[np.ndarray] = field(repr=False)
    biases: list[np.ndarray] = field(repr=False)
    function: Nonlinearity = field(repr=False)

    @one_blas_thread
    def outputs(self, x: Any) -> np.ndarray:
        """(n,) outputs."""
        return self._forward(x).given[-1][:, 0, 0]

    @one_blas_thread
    def nngp(self, x: Any) -> np.ndarray:
        """(n, n) covariance of the outputs over the last layer's parameters, those before as they are.

        Its mean over networks is the covariance of the outputs, from far fewer of them.
        """
        features = self._forward(x).seen[-1][:, 0]
        return self.net.weight_std**2 / features.shape[1] * features @ features.T + self.net.bias_std**2

    @one_blas_thread
    def jacobian(self, x: Any) -> np.ndarray:
        """(n, parameters) gradient of the output in every parameter, from the last layer to the first."""
        seen, given = self._forward(x)
        back, parts = np.ones_like(given[-1]), []
        for layer in range(self.net.depth, -1, -1):
            scale = self._scale(layer)
            weights = np.matmul(seen[layer].transpose(0, 2, 1), back) * scale
            parts += [weights.reshape(len(back), -1), back.sum(axis=1) * self.net.bias_std]
            if layer:
                through = self._scatter(back @ self.weights[layer].T * scale, layer)
                through *= self.function.slope(given[layer - 1])
                back = through + back if self._skips(layer) else through
        return np.concatenate(parts, axis=1)

    @one_blas_thread
    def ntk(self, x: Any) -> np.ndarray:
        """(n, n) empirical tangent kernel J J'."""
        jacobian = self.jacobian(x)
        return jacobian @ jacobian.T

    def _forward(self, x: Any) -> _Pass:
        seen, given, hidden = [], [], self._points(x)
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            seen.append(self._gather(hidden, layer))
            out = self._scale(layer) * (seen[-1] @ weights) + self.net.bias_std * biases
            given.append(out + given[-1] if self._skips(layer) else out)
            hidden = self.function.value(given[-1])
        return _Pass(seen, given)

    def _points(self, x: Any) -> np.ndarray:
        """(n, positions, channels)."""
        found = inputs.images(x, "x", "Finite") if isinstance(self.net, Conv) else inputs.points(x, "x", "Finite")
        inputs.matching(found, np.empty((1, *self.shape)), "Finite")
        return found.reshape(len(found), -1, self.shape[-1])

    def _scale(self, layer: int) -> float:
        return self.net.weight_std / np.sqrt(len(self.weights[layer]))

    def _skips(self, layer: int) -> bool:
        return self.net.residual and 0 < layer < self.net.depth

    def _gather(self, hidden: np.ndarray, layer: int) -> np.ndarray:
        """What a layer multiplies its weights with."""
        if not isinstance(self.net, Conv):
            return hidden
        if layer == self.net.depth:
            return hidden.mean(axis=1, keepdims=True) if self._pools else hidden.reshape(len(hidden), 1, -1)
        places = _windows(*self._grid(layer), self.net.filter, self.net.padding)
        padded = np.concatenate([hidden, np.zeros_like(hidden[:, :1])], axis=1)
        return padded[:, places].reshape(len(hidden), len(places), -1)

    def _scatter(self, back: np.ndarray, layer: int) -> np.ndarray:
        """The transpose of gathering: gradients in what a layer gathers from."""
        if not isinstance(self.net, Conv):
            return back
        height, width = self._grid(layer)
        if layer == self.net.depth:
            positions = height * width
            return np.repeat(back, positions, 1) / positions if self._pools else back.reshape(len(back), positions, -1)
        places = _windows(height, width, self.net.filter, self.net.padding)
        split = back.reshape(len(back), *places.shape, -1)
        padded = np.zeros((len(back), height * width + 1, split.shape[-1]))
        for at, part in zip(places.T, split.transpose(2, 0, 1, 3), strict=True):
            for after, before in enumerate(at):
                padded[:, before] += part[:, after]
        return padded[:, :-1]

    @property
    def _pools(self) -> bool:
        return isinstance(self.net, Conv) and self.net.readout == "pool"

    def _grid(self, layer: int) -> tuple[int, int]:
        """Rows and columns of what a layer of a convolutional network looks at."""
        assert isinstance(self.net, Conv)
        lost = [side - left_over(side, self.net.filter, self.net.padding) for side in self.shape[:2]]
        return self.shape[0] - layer * lost[0], self.shape[1] - layer * lost[1]


def draw(
    net: Dense | Conv, width: int, shape: tuple[int, ...], *, seed: Any = 0, function: Nonlinearity | None = None
) -> Finite:
    """A network of finite width with parameters N(0, 1).

    Args:
        net: the infinite network whose law it has.
        width: units, or channels, of every hidden layer.
        shape: of one point: (d,) for Dense, (height, width, channels) for Conv.
        seed: of the parameters: an int, or a generator of NumPy.
        function: the nonlinearity and its derivative, where the network's activation is a user's dual.

    Raises:
        InputError: no nonlinearity for a user's dual, no such width, or a shape of another kind.
    """
    inputs.checked_count(width, "width", "Finite", 1)
    if len(shape) != (3 if isinstance(net, Conv) else 1):
        wanted = "(height, width, channels)" if isinstance(net, Conv) else "(d,)"
        raise InputError(f"Finite needs the shape of one point as {wanted}, got {shape}.")
    if function is None:
        if isinstance(net.activation, Dual):
            raise InputError(
                f"Finite needs the nonlinearity of the dual {net.activation.name!r}; pass "
                "function=Nonlinearity(value, slope)."
            )
        function = _KNOWN[net.activation]
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(whole(seed, "seed"))
    fans = _fans(net, width, shape)
    widths = [width] * net.depth + [1]
    weights = [rng.standard_normal((fan, out)) for fan, out in zip(fans, widths, strict=True)]
    return Finite(net, tuple(shape), weights, [rng.standard_normal(out) for out in widths], function)


def _fans(net: Dense | Conv, width: int, shape: tuple[int, ...]) -> list[int]:
    """Inputs of every linear layer."""
    if isinstance(net, Dense):
        return [shape[0], *[width] * net.depth]
    area, last = net.filter**2, width
    if net.readout == "flatten":
        for side in shape[:2]:
            last *= side - net.depth * (side - left_over(side, net.filter, net.padding))
    return [area * shape[2], *[area * width] * (net.depth - 1), last]


def _windows(height: int, width: int, size: int, padding: str) -> np.ndarray:
    """(positions after, size^2) positions that every window sees; the number of positions stands for a zero."""
    start = 0 if padding == "VALID" else -((size - 1) // 2)
    sides = []
    for length in (height, width):
        at = np.arange(left_over(length, size, padding))[:, None] + start + np.arange(size)
        sides.append(at % length if padding == "CIRCULAR" else at)
    rows, cols = sides[0][:, None, :, None], sides[1][None, :, None, :]
    outside = (rows < 0) | (rows >= height) | (cols < 0) | (cols >= width)
    places = np.where(outside, height * width, rows * width + cols)
    return places.reshape(-1, size * size)
