"""A small autoencoder behind principal components: few coordinates for data on a curved surface."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from ..errors import InputError, Refusal, nearest
from ..rows import taken
from ..samples import is_real, whole
from .base import Compressor, Fitted, samples
from .latent import WIDEST, LatentScan, scan
from .pca import PCA, FittedPCA

_KINDS = ("dense", "convolutional")
_FRONT = 48  # principal components in front, at most where their number is found; inputs are padded to it
_KEPT = 0.9995  # of the variance, by the components in front
_FRONT_SAMPLES = 3000  # for the components in front: they need not be exact
_HELD_OUT = 0.1  # of the samples, at most _MOST_HELD_OUT, for the errors that are reported
_MOST_HELD_OUT = 1000
_FEWEST = 100
_RETRIES = 3
_THREADS = 4
_COMPILING = threading.Lock()


class FittedAutoencoder(Fitted):
    """Principal components, divided by one number, then a network; codes are computed in double precision.

    Attributes:
        front: the principal components.
        scale: what they are divided by: the square root of the variance they keep.
        scan: the latent sizes that were tried, or None where the size was given.
    """

    def __init__(self, front: FittedPCA, network: Network, scan: LatentScan | None) -> None:
        self.columns, self.dim = front.columns, network.dim
        self.front, self.network, self.scan = front, network, scan
        self.scale = front.deviation
        self.notes, self.details = (), {}

    def _encode(self, x: np.ndarray) -> np.ndarray:
        if isinstance(self.network, Dense):
            return self.network.encode(self.front.encode(x) / self.scale)
        return self.network.encode(x)

    def _decode(self, code: np.ndarray) -> np.ndarray:
        return self.front.decode(self.network.decode(code) * self.scale)


@dataclass(frozen=True)
class Autoencoder(Compressor):
    """Samples squeezed through a code of few numbers from which a network rebuilds them.

    Principal components first (of standardised columns, as many as the variance needs), then a dense network
    K-h-h-dim-h-h-K with gelu, trained by Adam with cosine decay on the squared error of rebuilding from a code with a
    little noise; the noise makes the code smooth and the penalty on its mean and variance keeps its scale. One compiled
    loop of ``steps`` updates. A tenth of the samples is held out of training, for the errors in ``details``.

    Where the latent size is not given it is scanned (:func:`latent_scan`). Codes of data on a smooth surface of that
    dimension keep all information in principle; nothing bounds the loss in general, see ``Compressed``. Fails where the
    data fill their dimensions: the scan then finds no elbow and says so. Cost: about 1 s for 2,000 steps on one core,
    after 2 s of compiling.

    Attributes:
        dim: latent size; None to find it.
        pca: components in front; None for as many as keep 99.95 % of the variance, at most 48.
        hidden: width of the hidden layers.
        steps: updates.
        batch: samples an update.
        rate: of Adam, at the start.
        noise: standard deviation of the noise on the code, whose own is 1.
        standardise: divide columns by their standard deviation first, so that units of measurement decide nothing.
        largest: greatest latent size to try where ``dim`` is None.
        kind: "dense", or "convolutional": two convolutions of stride 2 before the code, for images given as flat rows;
            slower, and the latent size is still found with the dense network.
        image: (height, width) or (height, width, channels) of a row, for "convolutional".
    """

    dim: int | None = None
    pca: int | None = None
    hidden: int = 64
    steps: int = 2000
    batch: int = 256
    rate: float = 3e-3
    noise: float = 0.02
    standardise: bool = True
    largest: int = 10
    kind: Literal["dense", "convolutional"] = "dense"
    image: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("dim", "pca", "hidden", "steps", "batch", "largest"):
            value = getattr(self, name)
            if value is not None or name not in ("dim", "pca"):
                whole(value, f"Autoencoder's {name}", low=1)
        for name, value in (("rate", self.rate), ("noise", self.noise)):
            if not is_real(value) or not 0.0 <= value < 10.0:
                raise InputError(f"Autoencoder needs a {name} from 0 to below 10, got {value!r}.")
        if self.kind not in ("dense", "convolutional"):
            raise InputError(f"Autoencoder has no kind {self.kind!r}; {nearest(str(self.kind), _KINDS)}")
        if self.kind == "convolutional" and (self.image is None or len(self.image) not in (2, 3)):
            raise InputError(
                "Autoencoder(kind='convolutional') needs image=(height, width) or (height, width, channels), "
                f"got {self.image!r}."
            )

    def fit(self, x: Any, *, seed: int = 0, other: Any = None) -> FittedAutoencoder:
        x = samples(x, "x")
        front, parts = self.prepare(x, seed)
        found = scan(parts, parts.largest) if self.dim is None else None
        dim = self.dim or (found.chosen if found else 1)
        if self.kind == "dense":
            network: Network = parts.best(dim, self.steps, found)
        else:
            network = self._convolutional(x, parts, dim, seed)
        fitted = FittedAutoencoder(front, network, found)
        self._report(fitted, x, parts)
        return fitted

    def prepare(self, x: Any, seed: int) -> tuple[FittedPCA, Parts]:
        """The principal components in front, and their coordinates, ready to train on.

        Raises:
            InputError: no numbers, or fewer columns than the latent size.
            Refusal: too few samples, or none that vary.
        """
        x = samples(x, "x")
        self._check(*x.shape)
        rows = np.sort(np.random.default_rng([seed, 0xF0]).permutation(len(x))[:_FRONT_SAMPLES])
        front = PCA(self.pca, _KEPT, self.standardise).fit(taken(x, rows), seed=seed)
        if self.pca is None and front.dim > _FRONT:
            front = front.truncated(_FRONT)
        coordinates = front.encode(x) / front.deviation
        return front, Parts(coordinates, self, seed)

    def _check(self, n: int, d: int) -> None:
        if n < _FEWEST:
            raise Refusal(f"Autoencoder needs at least {_FEWEST} samples to learn from, got {n}; use PCA(...).")
        if self.image is not None and self.kind == "convolutional" and int(np.prod(self.image)) != d:
            raise InputError(
                f"Autoencoder needs rows of {int(np.prod(self.image))} pixels for image={self.image}, got {d}."
            )
        if self.dim is not None and self.dim > d:
            raise InputError(
                f"Autoencoder to {self.dim} columns needs as many to start from, got {d}; leave that side."
            )

    def _convolutional(self, x: np.ndarray, parts: Parts, dim: int, seed: int) -> Network:
        from . import convolutional

        assert self.image is not None
        height, width, channels = (*self.image, 1)[:3]
        return convolutional.train(
            x[parts.kept], parts.coordinates[parts.kept], dim, (height, width, channels), self, seed
        )

    def _report(self, fitted: FittedAutoencoder, x: np.ndarray, parts: Parts) -> None:
        held = np.asarray(x[np.sort(parts.held_out)], np.float64)
        error = fitted.decode(fitted.encode(held)) - held
        inverse, squares = fitted.front.inverse_scale, (error**2).sum(axis=1)
        unexplained = float(((error * inverse) ** 2).sum(axis=1).mean() / fitted.front.total)
        front = fitted.front.details
        fitted.details = {
            "dim": fitted.dim,
            "pca": fitted.front.dim,
            "pca_explained_variance": front["explained_variance"],
            "explained_variance": 1.0 - unexplained,
            "squared_error": float(squares.mean()),
            "squared_error_stderr": float(squares.std() / math.sqrt(len(squares))),
            "held_out_mse": float((error**2).mean()),
            "held_out_mae": float(np.abs(error).mean()),
            "held_out_samples": len(held),
        }
        fitted.notes = (
            f"Autoencoder of {fitted.columns} columns to {fitted.dim}, behind PCA to {fitted.front.dim}: held-out mean "
            f"squared error {fitted.details['held_out_mse']:.3g}, mean absolute error "
            f"{fitted.details['held_out_mae']:.3g} a column.",
        )
        if fitted.scan is not None:
            fitted.details["latent_scan"] = fitted.scan.as_details()
            fitted.notes += fitted.scan.notes


class Network(Protocol):
    """A trained encoder with its decoder."""

    @property
    def dim(self) -> int: ...

    def encode(self, x: np.ndarray) -> np.ndarray: ...

    def decode(self, code: np.ndarray) -> np.ndarray: ...


class Dense:
    """A trained dense network, its layers in double precision."""

    def __init__(self, layers: list, dim: int) -> None:
        self.layers, self.dim = layers, dim

    def encode(self, x: np.ndarray) -> np.ndarray:
        from .training import forward

        return forward(self.layers[:3], x)

    def decode(self, code: np.ndarray) -> np.ndarray:
        from .training import forward

        return forward(self.layers[3:], code)


class Parts:
    """Coordinates to rebuild, split once into those to train on and those to judge by.

    Attributes:
        coordinates: (n, columns) leading principal components, of total variance 1.
        held_out: rows to judge by.
        kept: rows to train on.
        columns: of the coordinates.
        largest: greatest latent size to try.
    """

    def __init__(self, coordinates: np.ndarray, settings: Autoencoder, seed: int) -> None:
        self.coordinates, self.settings, self.seed = coordinates, settings, seed
        n, self.columns = coordinates.shape
        self.largest = min(settings.largest, self.columns)
        order = np.random.default_rng([seed, 0xAE]).permutation(n)
        held = min(int(_HELD_OUT * n), _MOST_HELD_OUT)
        self.held_out, self.kept = order[:held], order[held:]

    def best(self, dim: int, steps: int, found: LatentScan | None) -> Dense:
        """The better of two networks by held-out loss, or of more where both do worse than the scan's shorter training.

        Training can end in a folded code, which sends distant samples to one place: a loss several times too large.
        """
        limit = math.inf if found is None else found.loss_at(dim) * found.variance
        networks = self.train([dim, dim], steps, attempt=1)
        for attempt in range(3, 3 + _RETRIES):
            if min(self.loss(network).mean() for network in networks) <= limit:
                break
            networks += self.train([dim], steps, attempt)
        return min(networks, key=lambda network: self.loss(network).mean())

    def train(self, dims: list[int], steps: int, attempt: int = 0) -> list[Dense]:
        """A network for each latent size, from other weights for each place in the list and each attempt.

        They train side by side in threads.
        """
        import jax.numpy as jnp

        from . import training

        s, inputs = self.settings, self.coordinates.shape[1]
        shape = training.Shape(max(inputs, _FRONT), s.hidden, max(*dims, WIDEST))
        rows = np.zeros((len(self.kept), shape.inputs), np.float32)
        rows[:, :inputs] = self.coordinates[self.kept]
        x, rate, noise = jnp.asarray(rows), jnp.float32(s.rate), jnp.float32(s.noise)

        def one(place: int, steps: int = steps) -> Dense:
            dim, start = dims[place], attempt + dims[:place].count(dims[place])
            mask = (np.arange(shape.code) < dim).astype(np.float32)
            flat = training.train(
                jnp.asarray(training.initial(shape, (self.seed, 0xAE, dim, start))),
                x,
                jnp.asarray(mask),
                jnp.uint32((1_000_003 * self.seed + 1009 * start + dim) % 2**32),
                jnp.int32(steps),
                rate,
                noise,
                shape=shape,
                batch=s.batch,
            )
            layers = training.unpack(np.asarray(flat, np.float64), shape)
            return Dense(_trimmed(layers, inputs, dim), dim)

        with _COMPILING:  # once, however many threads and sides wait for it
            one(0, steps=0)
        with ThreadPoolExecutor(_THREADS) as threads:
            return list(threads.map(one, range(len(dims))))

    def loss(self, network: Dense) -> np.ndarray:
        """(held out,) squared errors of rebuilding samples that were not trained on."""
        x = self.coordinates[self.held_out]
        return ((network.decode(network.encode(x)) - x) ** 2).sum(axis=1)


def _trimmed(layers: list, inputs: int, dim: int) -> list:
    """The layers without the columns that padding and mask left unused."""
    (w1, b1), second, (w3, b3), (w4, b4), fifth, (w6, b6) = layers
    return [(w1[:inputs], b1), second, (w3[:, :dim], b3[:dim]), (w4[:dim], b4), fifth, (w6[:, :inputs], b6[:inputs])]
