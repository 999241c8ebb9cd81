"""What is timed, at which sizes: ours and the plain way of doing the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma

import infoplane as ip
from infoplane.estimators import KSG, Binned, Estimator, Gaussian, PairwiseBounds, WeightedKL
from infoplane.infinite import Dense
from infoplane.networks import MLP, train_ensemble

Work = Callable[[], object]


@dataclass(frozen=True)
class Line:
    """One curve of a panel.

    Attributes:
        label: in the legend and in the table.
        sizes: along the axis.
        work: of a size, what is then timed; drawing samples is not.
        plain: whether it is not ours but what one would write with NumPy, SciPy or PyTorch.
        operations: floating-point operations of a size, counted by hand, where products of matrices are the work.
        bytes: moved by a size, where memory is the work.
        kind: of number, for the limit.
    """

    label: str
    sizes: tuple[int, ...]
    work: Callable[[int], Work]
    plain: bool = False
    operations: Callable[[int], float] | None = None
    bytes: Callable[[int], float] | None = None
    kind: str = "single"


def normal(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) each, coordinate by coordinate correlated by 0.6."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, d))
    return x, 0.6 * x + 0.8 * random.standard_normal((n, d))


def _estimate(estimator: Estimator, d: int | None = None, n: int | None = None) -> Callable[[int], Work]:
    """Of so many dimensions with the samples free, or of so many samples with the dimensions free."""

    def work(size: int) -> Work:
        x, y = normal(n or size, d or size)
        return lambda: ip.mutual_information(x, y, estimator)

    return work


def _bounds(size: int) -> Work:
    random = np.random.default_rng(0)
    x = random.standard_normal((size, 10)).astype(np.float32)
    y = np.digitize(x[:, 0] + 0.5 * random.standard_normal(size), np.linspace(-1.5, 1.5, 9))
    return lambda: ip.mutual_information(x, y, PairwiseBounds(0.5))


def _binned(size: int) -> Work:
    random = np.random.default_rng(0)
    x, y = random.random((size, 500), np.float32), random.integers(10, size=size)
    return lambda: ip.mutual_information(x, y, Binned(2))


def plain_ksg(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """The first algorithm of Kraskov, Stoegbauer and Grassberger with SciPy's trees."""
    radius = KDTree(np.hstack([x, y])).query(np.hstack([x, y]), k + 1, p=np.inf, workers=-1)[0][:, k]
    radius = np.nextafter(radius, 0.0)
    counts = [KDTree(z).query_ball_point(z, radius, p=np.inf, return_length=True, workers=-1) for z in (x, y)]
    return float(digamma(k) + digamma(len(x)) - np.mean([digamma(c) for c in counts], axis=1).sum())


def _plain_ksg(size: int) -> Work:
    x, y = normal(size, 2)
    return lambda: plain_ksg(x, y)


def _kernels(size: int) -> Work:
    x = np.random.default_rng(0).random((size, 784))
    return lambda: Dense(3).kernels(x)


WIDTHS, EPOCHS, BATCH = (12, 10, 7, 5, 4, 3, 2), 10, 256
TASK = ip.data.twelve_bit()


def _training(size: int) -> Work:
    return lambda: train_ensemble(
        MLP(WIDTHS, "tanh"), TASK, seeds=size, epochs=EPOCHS, batch_size=BATCH, checkpoint_epochs=[EPOCHS]
    )


def _plane(size: int) -> Work:
    run = train_ensemble(MLP(WIDTHS, "tanh"), TASK, seeds=size, epochs=2, batch_size=BATCH, checkpoint_epochs=[2])
    return lambda: ip.information_plane(run, Binned(30))


THOUSANDS = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)
PANELS: dict[str, tuple[Line, ...]] = {
    "samples": (  # the operations of kernels are those of their one product of matrices
        Line("KSG, 2 + 2", THOUSANDS, _estimate(KSG(), d=2)),
        Line("KSG with SciPy's trees, 2 + 2", THOUSANDS, _plain_ksg, plain=True),
        Line("WeightedKL, 2 + 2", THOUSANDS, _estimate(WeightedKL(), d=2)),
        Line("Gaussian, 100 + 100", THOUSANDS, _estimate(Gaussian(), d=100),
             operations=lambda n: 2.0 * n * 200**2, kind="double"),
        Line("Binned(2), 500, labels", THOUSANDS, _binned, bytes=lambda n: 4.0 * 500 * n),
        Line("PairwiseBounds, 10, labels", THOUSANDS[:6], _bounds),
        Line("kernels of infinite width, 784", THOUSANDS[:4], _kernels,
             operations=lambda n: 2.0 * 784 * n * n, kind="double"),
    ),
    "dimensions": (
        Line("KSG, n = 4,000", (1, 2, 4, 8, 16, 32, 64), _estimate(KSG(), n=4_000)),
        Line("WeightedKL, n = 4,000", (1, 2, 3, 4, 5, 6), _estimate(WeightedKL(), n=4_000)),
        Line("Gaussian, n = 4,000", (1, 4, 16, 64, 256, 1_000), _estimate(Gaussian(), n=4_000)),
    ),
    "networks": (
        Line("train_ensemble, 10 epochs", (1, 2, 4, 8, 16, 32, 64, 128), _training),
        Line("information_plane of one epoch", (1, 2, 4, 8, 16, 32, 64, 128), _plane),
    ),
}  # fmt: skip
