"""An infinitely wide ensemble: all networks of one law, trained on the same data from all random starts."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..errors import InputError
from ..samples import is_real, is_whole, variable, whole
from .conv import Conv
from .dense import Dense
from .dynamics import Evaluation, Spectrum
from .kernels import Kernels
from .targets import Targets
from .tiles import refuse_matrices

_KERNELS = ("ntk", "nngp")
_MATRICES = 6.4  # (N, N) of them at the worst moment: measured with K, T and Q of 10,000 points, `benchmarks/`


class At(NamedTuple):
    """Kernels of evaluation points, for an ensemble that is known by its kernels.

    Attributes:
        cross: (M, N), of evaluation with training points.
        nngp: (M, M) covariance of the evaluation points at the start.
    """

    cross: Kernels
    nngp: np.ndarray


class Ensemble:
    """The law of the outputs of infinitely wide networks under gradient flow on the summed half-squared loss.

    Outputs are independent and share their kernels; at every point and time they are normal, with a mean and a
    covariance in closed form. Construction costs one eigendecomposition, O(N^3), and six to seven (N, N) matrices of
    memory, refused beforehand where the machine has less; every time afterwards O(M N^2).

    Args:
        net: :class:`Dense` or :class:`Conv`.
        x_train: (N, ...) inputs.
        y_train: (N,) or (N, O) targets. One column of integers, booleans or text are classes, learned as one-hot
            vectors minus 1 / classes; anything else is numbers.
        ridge: >= 0, added to the diagonal of the tangent kernel of the training points.
        relative_ridge: whether ``ridge`` is a share of that diagonal's mean; the attribute ``ridge`` is what was added.
        kernel: "ntk", or "nngp" for networks whose readout alone is trained.

    Raises:
        InputError: nan, lengths that differ, a negative ridge, another kernel, more points than memory holds.
    """

    def __init__(
        self, net: Dense | Conv, x_train: Any, y_train: Any, *,
        ridge: float = 0.0, relative_ridge: bool = False, kernel: str = "ntk",
    ):  # fmt: skip
        if not isinstance(net, Dense | Conv):
            raise InputError(
                f"Ensemble needs a network, Dense(...) or Conv(...), got {type(net).__name__}; with your own kernels "
                "use Ensemble.from_kernels."
            )
        self._net = net
        self._x = variable(x_train, "x_train").values.reshape(np.shape(x_train))
        refuse_matrices(len(self._x) ** 2, _MATRICES, f"Ensemble of {len(self._x):,} training points")
        # Q in the same pass as K and T, where information asks for it: with a ridge, or a readout alone, it does not.
        bent = kernel == "ntk" and ridge == 0 and net.curved
        self._setup(net.covariances(self._x, curvature=bent), y_train, ridge, relative_ridge, kernel)

    @classmethod
    def from_kernels(
        cls, train: Kernels, y_train: Any, *, ridge: float = 0.0, relative_ridge: bool = False, kernel: str = "ntk"
    ) -> Ensemble:
        """An ensemble without a network, from kernels of the training points, such as empirical ones.

        Wherever a method takes ``x_test`` it then needs :class:`At`, the kernels of those points.

        Args:
            train: (N, N) kernels; ``curvature`` None leaves I(Theta;D) to its linearised part.
            y_train: as for the class.
            ridge: as for the class.
            relative_ridge: as for the class.
            kernel: as for the class.

        Raises:
            InputError: kernels that are not square, finite and symmetric; otherwise as the class.
        """
        made = cls.__new__(cls)
        made._net = made._x = None
        made._setup(_checked_square(train), y_train, ridge, relative_ridge, kernel)
        return made

    def _setup(self, train: Kernels, y_train: Any, ridge: float, relative: bool, kernel: str) -> None:
        if kernel not in _KERNELS:
            raise InputError(f"Ensemble needs kernel 'ntk' (all is trained) or 'nngp' (the readout), got {kernel!r}.")
        if not is_real(ridge) or not math.isfinite(ridge) or ridge < 0:
            raise InputError(f"Ensemble needs ridge as a finite number, 0 or more, got {ridge!r}.")
        self.kernel, self._train = kernel, train
        self.targets = Targets.of(y_train, len(train.nngp), "y_train")
        tangent = self._tangent(train)
        self.ridge = float(ridge * tangent.diagonal().mean()) if relative else float(ridge)
        if self.ridge:
            tangent = tangent + self.ridge * np.eye(len(tangent))
        self.spectrum = Spectrum.of(train.nngp, tangent, self.targets.values)

    def __repr__(self) -> str:
        n, outputs = self.targets.values.shape
        return f"Ensemble({self._net or 'kernels'}, {n} points, {outputs} outputs, kernel={self.kernel!r})"

    @property
    def classes(self) -> np.ndarray | None:
        """(O,) the classes of the training targets; None for numbers."""
        return self.targets.classes

    @cached_property
    def curvature(self) -> np.ndarray | None:
        """(N, N) Q at the training points; zeros where only the readout is trained; None where it does not exist."""
        if self.kernel == "nngp":
            return np.zeros_like(self._train.nngp)
        if self._net is None or self._train.curvature is not None:
            return self._train.curvature
        return self._net.covariances(self._x, curvature=True).curvature if self._net.curved else None

    def predict(self, x_test: Any, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the outputs at one time.

        Args:
            x_test: (M, ...) inputs; None for the training points, by the form that is exact there; :class:`At` for an
                ensemble made from kernels.
            time: of the summed half-squared loss, from 0 to infinity.

        Returns:
            (M, O) mean and (M, M) covariance, which all outputs share.

        Raises:
            InputError: inputs of another shape, nan, a negative time.
        """
        if np.ndim(time):
            raise InputError(f"predict needs one time, got {time!r}; information takes many.")
        time = float(checked_times(time)[0])
        if x_test is None and not self.ridge:
            return self.spectrum.training(time)
        at = self._training_as_test() if x_test is None else self.at(x_test, joint=True)
        return self.evaluation(at).joint(time, at.nngp)

    def samples(self, x_test: Any, time: float, count: int, *, seed: int = 0) -> np.ndarray:
        """(count, M, O) outputs of members of the ensemble, all points of one member together.

        Args:
            x_test: as for :meth:`predict`.
            time: as for :meth:`predict`.
            count: members, 1 or more.
            seed: same seed, same bits.
        """
        count = whole(count, "count", 1)
        mean, covariance = self.predict(x_test, time)
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        noise = np.random.default_rng(whole(seed, "seed")).standard_normal((count, len(mean), mean.shape[1]))
        return mean + np.matmul(root, noise)

    def information(
        self, x_test: Any, y_test: Any, times: Any, *,
        entropy_target: float | None = None, draws: int = 4, joint: Any = False, seed: int = 0,
    ) -> xr.Dataset:  # fmt: skip
        """Every information quantity at every time, from one eigendecomposition.

        ``mi_input`` is the upper bound of I(X;Z|D), with the lower one beside it, and ``mi_target`` the lower bound of
        I(Z;Y|D), so that a point on the plane can only understate the ensemble. With ridge, quantities of the
        parameters are not defined and are left out.

        Standard errors of ``mi_input`` are over the points x_i, as if the sums over x_j that all of them share were not
        drawn with them. Measured over test points drawn anew they are right to 10 % where the two bounds agree, and 10
        to 30 % too small where these come apart. Data sets drawn anew show the whole spread.

        Args:
            x_test: (M, ...) inputs the ensemble was not trained on, M >= 2; :class:`At` if made from kernels.
            y_test: (M,) or (M, O) their targets.
            times: >= 0, infinity allowed; sorted in the result.
            entropy_target: H(Y) in nats; None: of classes by their frequencies, of numbers as if they were normal.
            draws: of the outputs, for the bounds that need them; 4 or more show their spread.
            joint: whether quantities of all points together are wanted, O(M^3 + N^3) each: at all times, or at these.
            seed: of the draws.

        Returns:
            Dataset over ``time``.

        Raises:
            InputError: what :meth:`predict` refuses, targets that do not match, no draws, joint times not in times.
        """
        from .information import information

        return information(
            self, x_test, y_test, times, entropy_target=entropy_target, draws=draws, joint=joint, seed=seed
        )

    def at(self, x_test: Any, *, joint: bool) -> At:
        """Kernels of evaluation points; the covariance is a diagonal, (M,), unless joint laws are wanted."""
        if isinstance(x_test, At):
            return _checked_at(x_test, len(self._train.nngp))
        if self._net is None:
            raise InputError("This Ensemble was made from kernels; pass ensemble.At(cross, nngp) for x_test.")
        cross = Kernels(*self._net.kernels(x_test, self._x))
        return At(cross, self._net.kernels(x_test)[0] if joint else self._net.diagonals(x_test).nngp)

    def evaluation(self, at: At) -> Evaluation:
        """Evaluation points in the eigenbasis."""
        prior = np.diag(at.nngp) if at.nngp.ndim == 2 else at.nngp
        return Evaluation.of(self.spectrum, at.cross.nngp, self._tangent(at.cross), prior)

    def _training_as_test(self) -> At:
        return At(self._train, self._train.nngp)

    def _tangent(self, kernels: Kernels) -> np.ndarray:
        return kernels.ntk if self.kernel == "ntk" else kernels.nngp

    @property
    def notes(self) -> list[str]:
        """What a reader of numbers should know of the kernels: modes at the floor, condition."""
        found, n = [], len(self.spectrum.values)
        if self.spectrum.at_floor:
            found.append(
                f"{self.spectrum.at_floor} of {n} modes of the tangent kernel are below rounding (duplicate or nearly "
                "equal points, or a smooth kernel) and are never learned; a ridge would regularise them."
            )
        if self.spectrum.root.rank < n:
            found.append(f"The covariance of the outputs has rank {self.spectrum.root.rank} of {n} to rounding.")
        return found


def checked_times(times: Any) -> np.ndarray:
    """(times,) as given.

    Raises:
        InputError: none, negative, or nan.
    """
    try:
        values = np.atleast_1d(np.asarray(times, np.float64))
    except (TypeError, ValueError):
        raise InputError(f"Ensemble needs times as numbers, got {times!r}.") from None
    if values.ndim != 1 or not values.size:
        raise InputError(f"Ensemble needs one time or a list of them, got shape {values.shape}.")
    wrong = ~(values >= 0)
    if wrong.any():
        raise InputError(f"Ensemble needs times from 0 to infinity, got {values[wrong][0]:g}.")
    return values


def _checked_square(train: Kernels) -> Kernels:
    parts = [np.asarray(part, np.float64) for part in train if part is not None]
    n = len(parts[0])
    for part in parts:
        if part.shape != (n, n) or not np.isfinite(part).all():
            raise InputError(f"Ensemble.from_kernels needs finite kernels of shape ({n}, {n}), got {part.shape}.")
        if np.abs(part - part.T).max(initial=0.0) > 1e-6 * np.abs(part).max(initial=0.0):
            raise InputError("Ensemble.from_kernels needs symmetric kernels; these are not: K - K' is above rounding.")
    return Kernels(*((part + part.T) / 2 for part in parts))


def _checked_at(at: At, n: int) -> At:
    cross = at.cross.map(lambda part: np.asarray(part, np.float64))
    own = np.asarray(at.nngp, np.float64)
    m = len(cross.nngp)
    if cross.nngp.shape != (m, n) or cross.ntk.shape != (m, n) or own.shape not in ((m, m), (m,)):
        raise InputError(
            f"Ensemble needs At with cross kernels (M, {n}) and nngp (M, M), got {cross.nngp.shape}, "
            f"{cross.ntk.shape} and {own.shape}."
        )
    if not all(np.isfinite(part).all() for part in (cross.nngp, cross.ntk, own)):
        raise InputError("Ensemble needs finite kernels in At, got nan or infinity.")
    return At(cross, own)


def joint_times(joint: Any, times: np.ndarray) -> np.ndarray:
    """(times,) at which joint quantities are wanted.

    Raises:
        InputError: a time that is not among the times.
    """
    if isinstance(joint, bool | np.bool_):
        return np.full(len(times), bool(joint))
    wanted = checked_times(joint)
    near = np.isclose(wanted[:, None], times[None], rtol=1e-12, atol=0.0)
    if not near.any(axis=1).all():
        missing = wanted[~near.any(axis=1)][0]
        raise InputError(f"information needs joint as True, False or members of times, got {missing:g}.")
    return np.asarray(near.any(axis=0))


def checked_draws(draws: Any) -> int:
    """How many draws.

    Raises:
        InputError: no whole number, or below 1.
    """
    if not is_whole(draws) or draws < 1:
        raise InputError(f"information needs draws as a whole number, 1 or more, got {draws!r}.")
    return int(draws)
