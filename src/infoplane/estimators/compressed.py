"""Any estimator, on codes of few numbers instead of wide data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..channels import Channel
from ..compressors.base import Compressor, Fitted
from ..compressors.coding import Codes, Makers, encode_pair, restricted, supervised
from ..compressors.frozen import as_compressor
from ..compressors.reports import bounds_of, label_bound, noise_bound, residuals_of
from ..errors import InputError
from ..estimate import Estimate
from ..rows import fingerprint, table, varies
from ..samples import Variable, is_real
from .base import Estimator, LayerBlock, LayerInformation, refuse_replayed
from .cells import alike, joined, part_of
from .debiased import Debiased
from .kozachenko import KozachenkoLeonenko
from .weighted import WeightedKL

_NAME = "I(E(X);E(Y)) of compressed variables"
_FEW = 4  # dimensions, x and y together, up to which the weighted estimate has next to no offset


_ROUTES = (Debiased(KozachenkoLeonenko(k=5)), Debiased(WeightedKL(k=80)))


@dataclass(frozen=True)
class Compressed(Estimator):
    """Mutual information of codes: compressors are fitted, frozen, and the estimator sees what they give.

    I(E(X);E(Y)) never exceeds I(X;Y); it equals it where the encoders are injective on the data. Without noise nothing
    bounds the loss, whatever the error of rebuilding: every estimate reports the compressors' errors, the loss bounds
    where the noise ``sigma`` is known or the other side is a label, and a test whether what was dropped still knows
    something of the other side. The direction is that of the wrapped estimator.

    Fitted on what? PCA and autoencoders see one side only and cannot know which samples are paired, so they are fitted
    on all samples by default; the estimate on them gains nothing from it. CCA sees both sides: half the samples fit it,
    the other half are measured. In a plane ``x`` compresses the network's input, once a run, and ``y`` the layer, for
    I(X;T) and I(T;Y) alike; a discrete side passes as it is.

    A plane carries, at every cell, ``explained_variance`` (the share of the layer's variance that its code keeps, where
    the compressor gives one), ``loss_bound_input`` (nats of I(X;T) that compressing the layer may have lost, where
    ``sigma`` is known) and ``loss_bound_target`` (nats of I(T;Y), where Y is a label). It does not carry the residual
    test, which would cost more than many estimates, nor what compressing the input may have lost: estimate single
    snapshots for these.

    Attributes:
        estimator: how the codes are measured; None for WeightedKL() up to joint dimension 4 and with classes, above it
            for five plain neighbours and WeightedKL(k=80), both debiased, weighed by their mean square errors.
        x: compressor of x; None takes it as it is. A map fitted elsewhere (``PCA(4).fit(other)``) stays as it is.
        y: compressor of y.
        share: one encoder for both sides, fitted to the samples of both; None decides: where both have the same
            compressor, as many columns, and distributions that cannot be told apart.
        holdout: share of samples that fit the compressors and are not measured; None for 0, and a half with CCA.
        sigma: standard deviation of the Gaussian noise that y carries (in a plane: the layer), for the loss bounds.
    """

    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True

    estimator: Estimator | None = None
    x: Compressor | Fitted | None = None
    y: Compressor | Fitted | None = None
    share: bool | None = None
    holdout: float | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        if self.estimator is not None and not isinstance(self.estimator, Estimator):
            raise InputError(f"Compressed wraps an estimator, as in Compressed(KSG(), ...), got {self.estimator!r}.")
        if self.estimator is not None:
            refuse_replayed("Compressed", self.estimator)
        if self.estimator is not None and self.estimator.direction not in ("estimate", "lower"):
            raise InputError(
                f"Compressed wraps estimates and lower bounds, and {type(self.estimator).__name__} gives an upper one, "
                "which a lossy code would make false; use WeightedKL() or KSG()."
            )
        for name in ("x", "y"):
            given = as_compressor(getattr(self, name))
            object.__setattr__(self, name, given)
            if given is not None and not isinstance(given, Compressor):
                raise InputError(f"Compressed needs a compressor for {name}, such as PCA(4), or None, got {given!r}.")
        for name, low, high in (("holdout", -math.ulp(0.0), 1.0), ("sigma", 0.0, math.inf)):
            value = getattr(self, name)
            if value is not None and (not is_real(value) or not low < value < high):
                raise InputError(
                    f"Compressed needs a {name} above 0{' and below 1' if high == 1 else ''}, got {value!r}."
                )
        if self.holdout == 0 and self._supervised:
            raise InputError(
                "CCA finds dependence that is not there in the samples it is fitted to; use a holdout above 0, or None."
            )
        if self.estimator is not None:
            object.__setattr__(self, "direction", self.estimator.direction)

    @property
    def channel(self) -> Channel | None:
        return None if self.estimator is None else self.estimator.channel

    @property
    def compresses(self) -> tuple[bool, bool]:
        inner = super().compresses
        return self.x is not None or inner[0], self.y is not None or inner[1]

    @property
    def _supervised(self) -> bool:
        return supervised(self._makers)

    @property
    def _makers(self) -> Makers:
        """The compressors of x and y; those fitted elsewhere stand as compressors since this was made."""
        return as_compressor(self.x), as_compressor(self.y)

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        return self.prepared(x, y, seed=seed).estimate(x, y, seed=seed)

    def estimate_codes(self, codes: Codes, x: Variable, y: Variable, *, seed: int) -> Estimate:
        """The estimate from codes of x and y, with what there is to say of their compressors."""
        found = self._measure(codes.x, codes.y, seed)
        notes, warnings, details = self._report(codes, x, y, found, seed)
        return dataclasses.replace(
            found,
            quantity=_NAME if any(codes.fitted) else found.quantity,
            method=str(self),
            notes=(*found.notes, *notes),
            warnings=(*found.warnings, *warnings),
            n_samples=codes.x.n,
            details={**found.details, **details},
        )

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        """Values with the codes of y in other orders: the compressors stay as they are."""
        return self.prepared(x, y, seed=seed).shuffled(x, y, orders, seed=seed)

    def prepared(self, x: Variable, y: Variable, *, seed: int) -> OnCodes:
        """The compressors fitted, once for the value and all its shuffles."""
        return OnCodes(self, self.codes(x, y, seed=seed))

    def shuffle_codes(self, codes: Codes, orders: Iterable[np.ndarray], *, seed: int) -> np.ndarray:
        """(orders,) values of the codes with those of y in other orders, which are orders of all samples."""
        orders = (restricted(order, codes.rows) for order in orders)
        inner = WeightedKL() if self.estimator is None and _few(codes.x, codes.y) else self.estimator
        if inner is not None:
            return inner.shuffled(codes.x, codes.y, orders, seed=seed)
        y = codes.y
        return np.array([self._measure(codes.x, Variable(y.values[o], y.name), seed).value for o in orders])

    def testing(self, codes: Codes) -> Compressed:
        """What decides on dependence: the tester of the wrapped estimator, and of two weighed routes the plain one.

        Both routes for every shuffle would cost much, and one statistic tests as well as their mean.
        """
        if self.estimator is not None:
            return dataclasses.replace(self, estimator=self.estimator.tester(codes.x, codes.y))
        return self if _few(codes.x, codes.y) else dataclasses.replace(self, estimator=_ROUTES[0])

    def codes(self, x: Variable, y: Variable, *, seed: int = 0) -> Codes:
        """Fit the compressors and apply them.

        Raises:
            InputError: a side cannot be compressed so.
            Refusal: too few samples.
        """
        return encode_pair(x, y, self._makers, share=self.share, holdout=self.holdout, seed=seed)

    def layer(self, block: LayerBlock) -> LayerInformation:
        """The layer's codes, measured by the wrapped estimator; the input is compressed once for each run."""
        if self._supervised or self.holdout:
            raise InputError(
                "In a plane Compressed fits its compressors to all samples of a snapshot, which neither holdout nor "
                "CCA allows; use PCA(...) or Autoencoder(...), without holdout."
            )
        maker = self._makers[1]
        layers, fitted = zip(*(_code(maker, t, block.seed) for t in map(table, block.activations)), strict=True)
        sources = self._sources(block)
        groups = alike(layers, sources)
        found = joined([(cells, self._measured(part_of(block, cells, layers, sources))) for cells in groups])
        return dataclasses.replace(found, further={**found.further, **self._further(block, layers, fitted)})

    def _sources(self, block: LayerBlock) -> list[np.ndarray]:
        """The code of each cell's inputs, made once for equal inputs; none where there are no inputs."""
        known: dict[bytes, np.ndarray] = {}
        sources = []
        for x in [] if block.x is None else block.x:
            key = fingerprint(x)
            if key not in known:
                known[key] = _code(self._makers[0], table(x), block.seed)[0]
            sources.append(known[key])
        return sources

    def _further(
        self, block: LayerBlock, codes: Sequence[np.ndarray], fitted: Sequence[Fitted | None]
    ) -> dict[str, np.ndarray]:
        """(cells,) what the codes of the layer keep, and what they lose at most; nan where that is not known."""
        if self.y is None:
            return {}
        cells = list(zip(block.activations, codes, block.y, fitted, strict=True))
        columns = {"explained_variance": [one.details.get("explained_variance") if one else None for one in fitted]}
        if self.sigma is not None:
            bounds = [
                noise_bound(one, table(t), self.sigma, seed=block.seed) if one else None for t, _, _, one in cells
            ]
            columns["loss_bound_input"] = [found.bound.value if found else None for found in bounds]
        if Variable(block.y[0]).kind == "discrete" and (block.y != block.y[:, :1]).any():
            columns["loss_bound_target"] = [
                label_bound(code, Variable(y).codes, seed=block.seed).value if one else None
                for _, code, y, one in cells
            ]
        return {name: np.array(values, np.float64) for name, values in columns.items()}

    def _measured(self, part: LayerBlock) -> LayerInformation:
        return Estimator.layer(Compressed(), part) if self.estimator is None else self.estimator.layer(part)

    def _measure(self, x: Variable, y: Variable, seed: int) -> Estimate:
        """The wrapped estimate of the codes, or the route that suits them."""
        if self.estimator is not None:
            return self.estimator.estimate(x, y, seed=seed)
        if _few(x, y):
            found = WeightedKL().estimate(x, y, seed=seed)
            return dataclasses.replace(found, notes=(f"The codes were measured with {WeightedKL()}.", *found.notes))
        return _combined(*(route.estimate(x, y, seed=seed) for route in _ROUTES))

    def _report(
        self, codes: Codes, x: Variable, y: Variable, found: Estimate, seed: int
    ) -> tuple[tuple[str, ...], tuple[str, ...], dict]:
        """What the compressors did, what they may have lost, and the test of the residuals."""
        notes: list[str] = []
        warnings: list[str] = []
        details: dict = {"shared_compressor": codes.shared} if any(codes.fitted) else {}
        for name, fitted in zip("xy", codes.fitted, strict=True):
            if fitted is not None:
                notes += [f"{name}: {note}" for note in fitted.notes]
                details[f"compressor_{name}"] = fitted.details
                if not fitted.details.get("latent_scan", {}).get("elbow", True):
                    warnings.append(f"{name}: no latent size stands out, so the code may be too short: compare others.")
        if not any(codes.fitted):
            return (), (), {}
        if codes.shared:
            notes.append("One compressor served x and y, whose distributions could not be told apart.")
        if self.holdout or self._supervised:
            notes.append(f"Compressors were fitted on {x.n - codes.x.n} samples, {codes.x.n} others were measured.")
        bounds = bounds_of(codes, x, y, self.sigma, found.value, seed)
        for add in (bounds, residuals_of(codes, x, y, found.value, seed)):
            notes += add.notes
            details |= add.details
        warnings += filter(None, [details.pop("residual_warning", "")])
        return tuple(notes), tuple(warnings), details


@dataclass(frozen=True, repr=False)
class OnCodes(Estimator):
    """Compressed, with its compressors fitted to the samples it was made for: value, tester and shuffles share codes.

    Attributes:
        estimator: its settings.
        codes: of the samples.
    """

    estimator: Compressed
    codes: Codes = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", self.estimator.direction)

    @property
    def channel(self) -> Channel | None:
        return self.estimator.channel

    @property
    def short(self) -> str:
        return self.estimator.short

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        return self.estimator.estimate_codes(self.codes, x, y, seed=seed)

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        return self.estimator.shuffle_codes(self.codes, orders, seed=seed)

    def tester(self, x: Variable, y: Variable) -> Estimator:
        testing = self.estimator.testing(self.codes)
        return self if testing == self.estimator else OnCodes(testing, self.codes)

    def __repr__(self) -> str:
        return repr(self.estimator)


def _combined(plain: Estimate, weighted: Estimate) -> Estimate:
    """Two routes by their mean square errors.

    Plain neighbours vary little and carry an offset on curved codes; weighted ones carry none and vary more. The square
    of the offset is what their squared difference has beyond chance.
    """
    noise = plain.stderr**2 + weighted.stderr**2
    offset = max((plain.value - weighted.value) ** 2 - noise, 0.0)
    share = (offset + plain.stderr**2) / (offset + noise) if noise > 0 else 0.5
    note = (
        f"Less shuffled pairs, plain neighbours read {plain.value:.3f} ± {plain.stderr:.2g} and weighted ones "
        f"{weighted.value:.3f} ± {weighted.stderr:.2g} nats; by their mean square "
        f"errors the weighted count {share:.0%}."
    )
    return dataclasses.replace(
        weighted,
        value=share * weighted.value + (1.0 - share) * plain.value,
        stderr=math.sqrt(share * weighted.stderr**2 + (1.0 - share) * (plain.stderr**2 + offset)),
        notes=(note, *weighted.notes),
        details={**weighted.details, "routes": {"plain": plain.value, "weighted": weighted.value}, "share": share},
    )


def _few(x: Variable, y: Variable) -> bool:
    return "discrete" in (x.kind, y.kind) or x.dim + y.dim <= _FEW


def _code(maker: Compressor | None, values: np.ndarray, seed: int) -> tuple[np.ndarray, Fitted | None]:
    if maker is None or values.dtype.kind != "f":
        return values, None
    if not varies(values):
        # A dead layer needs no code: of a constant nothing is known, whatever its width.
        return np.array(values[:1])[:, :1].repeat(len(values), axis=0), None
    fitted = maker.fit(values, seed=seed)
    return fitted.encode(values), fitted
