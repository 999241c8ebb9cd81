"""Any estimator, on codes of few numbers instead of wide data."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..channels import Channel
from ..compressors.base import Compressor, Fitted
from ..compressors.coding import Codes, encode_pair, restricted, supervised
from ..compressors.reports import bounds_of, residuals_of
from ..errors import InputError
from ..estimate import Estimate
from ..samples import Variable, is_real
from .base import Estimator, LayerBlock, LayerInformation
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
    where the noise ``sigma`` is known, and a test whether what was dropped still knows something of the other side.

    Fitted on what? PCA and autoencoders see one side only and cannot know which samples are paired, so they are fitted
    on all samples by default; the estimate on them gains nothing from it. CCA sees both sides: half the samples fit it,
    the other half are measured. In a plane ``x`` compresses the network's input, once a run, and ``y`` the layer, for
    I(X;T) and I(T;Y) alike; a discrete side passes as it is.

    Attributes:
        estimator: how the codes are measured; None for WeightedKL() up to joint dimension 4 and with classes, above it
            for five plain neighbours and WeightedKL(k=80), both debiased, weighed by their mean square errors.
        x: compressor of x; None takes it as it is.
        y: compressor of y.
        share: one encoder for both sides, fitted to the samples of both; None decides: where both have the same
            compressor, as many columns, and distributions that cannot be told apart.
        holdout: share of samples that fit the compressors and are not measured; None for 0, and a half with CCA.
        sigma: standard deviation of the Gaussian noise that y carries (in a plane: the layer), for the loss bounds.
    """

    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True

    estimator: Estimator | None = None
    x: Compressor | None = None
    y: Compressor | None = None
    share: bool | None = None
    holdout: float | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        if self.estimator is not None and not isinstance(self.estimator, Estimator):
            raise InputError(f"Compressed wraps an estimator, as in Compressed(KSG(), ...), got {self.estimator!r}.")
        if self.estimator is not None and self.estimator.direction not in ("estimate", "lower"):
            raise InputError(
                f"Compressed wraps estimates and lower bounds, and {type(self.estimator).__name__} gives an upper one, "
                "which a lossy code would make false; use WeightedKL() or KSG()."
            )
        for name in ("x", "y"):
            given = getattr(self, name)
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

    @property
    def channel(self) -> Channel | None:
        return None if self.estimator is None else self.estimator.channel

    @property
    def _supervised(self) -> bool:
        return supervised((self.x, self.y))

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        codes = self.codes(x, y, seed=seed)
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

    def shuffled(self, x: Variable, y: Variable, orders: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Values with the codes of y in other orders: the compressors stay as they are."""
        codes = self.codes(x, y, seed=seed)
        orders = np.stack([restricted(order, codes.rows) for order in orders])
        inner = self.estimator or (WeightedKL() if _few(codes.x, codes.y) else _ROUTES[0])
        return inner.shuffled(codes.x, codes.y, orders, seed=seed)

    def codes(self, x: Variable, y: Variable, *, seed: int = 0) -> Codes:
        """Fit the compressors and apply them.

        Raises:
            InputError: a side cannot be compressed so.
            Refusal: too few samples.
        """
        return encode_pair(x, y, (self.x, self.y), share=self.share, holdout=self.holdout, seed=seed)

    def layer(self, block: LayerBlock) -> LayerInformation:
        """The layer's codes, measured by the wrapped estimator; the input is compressed once for each run."""
        if self._supervised or self.holdout:
            raise InputError(
                "In a plane Compressed fits its compressors to all samples of a snapshot, which neither holdout nor "
                "CCA allows; use PCA(...) or Autoencoder(...), without holdout."
            )
        inputs: dict[bytes, np.ndarray] = {}
        layers, sources, kept = [], [], []
        for cell in range(block.cells):
            layer, fitted = _code(self.y, np.asarray(block.activations[cell]), block.seed)
            layers.append(layer)
            kept.append(math.nan if fitted is None else fitted.details.get("explained_variance", math.nan))
            if block.x is not None:
                key = np.ascontiguousarray(block.x[cell]).tobytes()
                if key not in inputs:
                    inputs[key] = _code(self.x, np.asarray(block.x[cell]), block.seed)[0]
                sources.append(inputs[key])
        groups: dict[tuple[int, ...], list[int]] = {}
        for cell in range(block.cells):
            groups.setdefault((layers[cell].shape[1], sources[cell].shape[1] if sources else 0), []).append(cell)
        found = [self._measured(block, cells, layers, sources) for cells in groups.values()]
        order = np.argsort(np.concatenate(list(groups.values())), kind="stable")
        joined = {
            f.name: np.concatenate([getattr(part, f.name) for part in found])[order]
            for f in dataclasses.fields(LayerInformation)
            if f.name != "notes"
        }
        return LayerInformation(**joined, notes=tuple(dict.fromkeys(note for part in found for note in part.notes)))

    def _measured(
        self, block: LayerBlock, cells: list[int], layers: list[np.ndarray], sources: list[np.ndarray]
    ) -> LayerInformation:
        t = np.stack([layers[cell] for cell in cells])
        law = block.p_y_given_x
        part = dataclasses.replace(
            block,
            activations=t,
            y=block.y[cells],
            x=np.stack([sources[cell] for cell in cells]) if sources else None,
            p_y_given_x=None if law is None else law[cells],
            **{
                name: None if getattr(block, name) is None else getattr(block, name)[cells]
                for name in ("low", "high", "interior")
            },
        )
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
        details: dict = {"shared_compressor": codes.shared} if any(codes.fitted) else {}
        for name, fitted in zip("xy", codes.fitted, strict=True):
            if fitted is not None:
                notes += [f"{name}: {note}" for note in fitted.notes]
                details[f"compressor_{name}"] = fitted.details
        if not any(codes.fitted):
            return (), (), {}
        if codes.shared:
            notes.append("One compressor served x and y, whose distributions could not be told apart.")
        if self.holdout or self._supervised:
            notes.append(f"Compressors were fitted on {x.n - codes.x.n} samples, {codes.x.n} others were measured.")
        for add in (bounds_of(codes.fitted, self.sigma, found.value), residuals_of(codes, x, y, found.value, seed)):
            notes += add.notes
            details |= add.details
        return tuple(notes), tuple(filter(None, [details.pop("residual_warning", "")])), details


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
    if not (values != values[0]).any():
        return values[:, :1], None  # a dead layer needs no code: of a constant nothing is known, whatever its width
    fitted = maker.fit(values, seed=seed)
    return fitted.encode(values), fitted
