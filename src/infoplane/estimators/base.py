"""The contract of an estimator, and how to add one.

An estimator is a frozen dataclass whose fields are its settings: the same object is the command-line option and the
provenance in a result. To add one, write a file beside this one with

    @dataclass(frozen=True)
    class Mine(Estimator):
        k: int = 3

        def estimate(self, x, y, *, seed):   # x, y: checked Variables of equal length
            ...
            return Estimate(value, ..., method=str(self))

and name it in ``estimators/__init__.py``. Verbs, planes, the command line and the contract tests then find it. A method
that has a number for every sample, whose mean is the estimate, is a :class:`Pointwise` instead and returns these
numbers: mean, standard error and checks are then the base's. Override ``layer`` where many snapshots can be measured at
once, and ``channel`` where the method fixes what T is.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from ..channels import Channel, OwnNoise
from ..errors import InputError, Refusal
from ..estimate import Direction, Estimate
from ..samples import Variable, moderate, pair, variable


@dataclass(frozen=True, eq=False)
class Passes:
    """Noisy passes through a network that runs with noise, up to one of its layers.

    Attributes:
        noise: the layer's own.
        centres: called with (cell, draws, stream), gives (n, draws, d) values of the layer before its own noise; equal
            along draws where ``noise.certain``.
        names: (network, epoch, position of the layer) of every cell, to seed further noise with.
    """

    noise: OwnNoise
    centres: Callable[[int, int, int], np.ndarray]
    names: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class LayerBlock:
    """Snapshots of one layer, with all that is needed to measure what it knows of X and Y.

    Attributes:
        activations: (cells, n, dt) one row a sample; integers where the channel has quantised them.
        y: (cells, n, dy) target; integer classes or floats.
        permutations: (targets, n) orders of the samples; the first is the identity, the others make the null.
        low: (cells,) lower end of the quantiser's range, where the channel needs one.
        high: (cells,) upper end.
        interior: (cells, bins - 1) unequal walls, or None.
        population: True where the samples are all inputs there are, each once and equally likely.
        p_y_given_x: (cells, n, classes) the law of a random label, or None where the label is certain or unknown.
        x: (cells, n, dx) inputs, for estimators that look at them; None where a layer is a function of the sample.
        seed: of whatever is random in the method.
        passes: noisy passes, where the layer has noise of its own and they can be made again; else None.
    """

    activations: Any
    y: np.ndarray
    permutations: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    interior: np.ndarray | None = None
    population: bool = False
    p_y_given_x: np.ndarray | None = None
    x: np.ndarray | None = None
    seed: int = 0
    passes: Passes | None = None

    @property
    def cells(self) -> int:
        return self.activations.shape[0]

    @property
    def n(self) -> int:
        return self.activations.shape[1]


class Doubt(NamedTuple):
    """A warning that an estimate in a plane carries.

    Attributes:
        cell: position among the snapshots.
        of: "input" for the estimate of I(X;T), "target" for that of I(T;Y).
        sentence: the warning.
    """

    cell: int
    of: Literal["input", "target"]
    sentence: str


@dataclass(frozen=True, eq=False)
class LayerInformation:
    """What an estimator found, in nats; nan where it gives no such number.

    Attributes:
        mi_input, mi_input_stderr, mi_input_lower, mi_input_upper: (cells,).
        mi_target: (cells, targets), column 0 the true labels.
        mi_target_stderr, mi_target_lower, mi_target_upper: (cells,).
        saturated: (cells,) booleans: the value says more about n than about the layer.
        n_codes: (cells,) distinct codes; 0 where T is not discrete.
        out_of_range: (cells,) values that fell outside the quantiser's range.
        notes: what to beware of, one sentence each, such as why a cell is nan.
        doubts: the warnings of the estimates of I(X;T), and of I(T;Y) with the true labels.
        further: (cells,) numbers of this method alone, by the name of the variable that a plane makes of them.
    """

    mi_input: np.ndarray
    mi_input_stderr: np.ndarray
    mi_input_lower: np.ndarray
    mi_input_upper: np.ndarray
    mi_target: np.ndarray
    mi_target_stderr: np.ndarray
    mi_target_lower: np.ndarray
    mi_target_upper: np.ndarray
    saturated: np.ndarray
    n_codes: np.ndarray
    out_of_range: np.ndarray
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    further: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def warned(self) -> np.ndarray:
        """(cells,) booleans: one of the cell's estimates carries a warning."""
        return np.isin(np.arange(len(self.mi_input)), [doubt.cell for doubt in self.doubts])

    def columns(self) -> dict[str, np.ndarray]:
        """(cells,) numbers by the name of their variable in a plane; of I(T;Y) those with the true labels."""
        others = ("notes", "doubts", "further")
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in others}
        return {**own, "mi_target": self.mi_target[:, 0], "warned": self.warned, **self.further}


@dataclass(frozen=True)
class Estimator(abc.ABC):
    """A way to estimate mutual information; its fields are its settings.

    Attributes:
        direction: how its value is to be read; a method whose settings decide it sets its own.
        randomised: the value depends on ``seed``: equal data in another order, or with x and y exchanged, then give
            values that agree within the error, not to the last digit.
        needs_input: in a plane it looks at the network's inputs; else a layer is taken as a function of the sample.
        replays: in a plane it sends samples through a network that runs with noise, again and again.
    """

    direction: ClassVar[Direction] = "estimate"
    randomised: ClassVar[bool] = False
    needs_input: ClassVar[bool] = False
    replays: ClassVar[bool] = False

    @property
    def channel(self) -> Channel | None:
        """The channel this method fixes, or None if any will do."""
        return None

    @property
    def compresses(self) -> tuple[bool, bool]:
        """Whether codes stand for the first and for the second variable; a wrapper does what the wrapped one does."""
        inner = getattr(self, "estimator", None)
        return inner.compresses if isinstance(inner, Estimator) else (False, False)

    def scaled(self, x: Variable) -> Variable:
        """The variable at a scale whose squares are finite (:func:`~infoplane.samples.moderate`).

        A channel has a resolution in the data's own units, so there it stays as it is.
        """
        return x if self.channel is not None else moderate(x)

    @abc.abstractmethod
    def estimate(self, x: Variable, y: Variable, *, seed: int) -> Estimate:
        """I(x; y) in nats from paired samples, already checked."""

    def entropy(self, x: Variable, *, seed: int) -> Estimate:
        """H(x) in nats.

        Raises:
            InputError: the method has no entropy.
        """
        raise InputError(f"{type(self).__name__} estimates no entropy; Plugin() does for discrete data.")

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int) -> np.ndarray:
        """(orders,) values of I(x; y) with y in other orders, each (n,): what chance gives.

        Orders come one at a time, so that a long null needs no memory. Override it where a part of the work is the same
        in every order; the values stay those of ``estimate``.
        """
        return np.array([self.estimate(x, Variable(y.values[o], y.name), seed=seed).value for o in orders])

    def tester(self, x: Variable, y: Variable) -> Estimator:
        """The estimator whose permutations decide whether there is any dependence; this one, unless overridden."""
        return self

    def prepared(self, x: Variable, y: Variable, *, seed: int) -> Estimator:
        """This estimator for these samples, with all it learns before it measures already learned; else itself.

        Its value, its tester and its shuffles then share what was learned. It is of no use for other samples.
        """
        return self

    def conditional(self, x: Variable, y: Variable, z: Variable, *, seed: int) -> Estimate:
        """I(x; y | z) in nats: class by class for a discrete z, else by the chain rule I(x; y, z) - I(x; z)."""
        if z.kind == "discrete":
            return self._within_classes(x, y, z, seed)
        if x.kind != "continuous" and y.kind == "continuous":
            x, y = y, x
        if y.kind != "continuous":
            raise InputError(
                f"{type(self).__name__} takes the chain rule for I(x; y | z) and needs z to be of the kind of x or y; "
                "z is continuous and both others are discrete: pass z as classes."
            )
        both = self.estimate(x, Variable(np.hstack([y.values, z.values]), "y and z"), seed=seed)
        alone = self.estimate(x, z, seed=seed)
        if math.isinf(alone.value) or math.isinf(both.value):
            raise Refusal(
                f"I({x.name}; y | z) by the chain rule is a difference of infinite numbers, since {x.name} and another "
                "variable determine each other; drop what is known already, or use KSG()."
            )
        return dataclasses.replace(
            both,
            value=both.value - alone.value,
            stderr=math.hypot(both.stderr, alone.stderr),
            lower=math.nan,
            upper=math.nan,
            direction="estimate",
            quantity="I(X;Y|Z)",
            notes=(
                "Chain rule: I(x; y, z) - I(x; z); the error takes the two as independent.",
                *both.notes,
                *alone.notes,
            ),
            warnings=(*both.warnings, *alone.warnings),
            details={},
        )

    def _within_classes(self, x: Variable, y: Variable, z: Variable, seed: int) -> Estimate:
        shares = np.bincount(z.codes) / z.n
        parts = []
        for label in range(z.n_classes):
            rows = z.codes == label
            if rows.sum() < 2:
                raise InputError(f"I(x; y | z) needs at least 2 samples in every class of z, got {rows.sum()} in one.")
            parts.append(self.estimate(Variable(x.values[rows], "x"), Variable(y.values[rows], "y"), seed=seed))
        value = float(sum(p * e.value for p, e in zip(shares, parts, strict=True)))
        within = sum((p * e.stderr) ** 2 for p, e in zip(shares, parts, strict=True))
        # Another sample has other shares of the classes, which matters as far as their information differs.
        between = sum(p * (e.value - value) ** 2 for p, e in zip(shares, parts, strict=True)) / z.n
        return dataclasses.replace(
            parts[0],
            value=value,
            stderr=math.sqrt(within + between),
            lower=math.nan,
            upper=math.nan,
            direction="estimate",
            quantity="I(X;Y|Z)",
            n_samples=z.n,
            notes=(f"Mean over the {z.n_classes} classes of z.", *dict.fromkeys(n for e in parts for n in e.notes)),
            warnings=tuple(dict.fromkeys(warning for e in parts for warning in e.warnings)),
            details={},
        )

    def layer(self, block: LayerBlock) -> LayerInformation:
        """I(X;T) and I(T;Y) of many snapshots of a layer; here one by one, through ``estimate``."""
        inputs, targets, reasons = [], [], {}

        def measured(a: Any, b: Any) -> Estimate | None:
            try:
                return self.estimate(*map(self.scaled, pair(a, b)), seed=block.seed)
            except Refusal as refusal:
                reasons[str(refusal)] = None
                return None

        for cell in range(block.cells):
            t, y = np.asarray(block.activations[cell]), block.y[cell]
            if block.x is None and self.needs_input:
                reasons[f"{type(self).__name__} compares T with the inputs, and the recording has none: record x."] = (
                    None
                )
                inputs.append(None)
            else:
                source = np.arange(block.n) if block.x is None else block.x[cell]
                inputs.append(measured(variable(source, "x"), variable(t, "T")))
            known = bool((y != y[0]).any())  # of a constant nothing can be known; another estimator may have the target
            orders = block.permutations
            targets.append([measured(variable(t, "T"), variable(y[o], "y")) if known else None for o in orders])
        first = [row[0] for row in targets]
        doubts = [*_doubts("input", inputs), *_doubts("target", first)]

        def column(estimates: list[Estimate | None], name: str) -> np.ndarray:
            return np.array([np.nan if e is None else getattr(e, name) for e in estimates])

        return LayerInformation(
            mi_input=column(inputs, "value"),
            mi_input_stderr=column(inputs, "stderr"),
            mi_input_lower=column(inputs, "lower"),
            mi_input_upper=column(inputs, "upper"),
            mi_target=np.array([column(row, "value") for row in targets]),
            mi_target_stderr=column(first, "stderr"),
            mi_target_lower=column(first, "lower"),
            mi_target_upper=column(first, "upper"),
            saturated=column(inputs, "value") > 0.95 * np.log(block.n),
            n_codes=np.zeros(block.cells, np.int32),
            out_of_range=np.zeros(block.cells, np.int64),
            notes=tuple(reasons),
            doubts=tuple(doubts),
        )

    @property
    def short(self) -> str:
        """As one would type it: settings at their default are left out."""
        return _briefly(self)

    def __str__(self) -> str:
        """``Binned(bins=30, range='known', kind='width')``: as one would write it."""
        return repr(self)


def refuse_replayed(who: str, estimator: Estimator) -> None:
    """Let wrappers of samples wrap no method that needs the network itself.

    Raises:
        InputError: it does.
    """
    if estimator.replays:
        raise InputError(
            f"{who} wraps methods that take samples, and {type(estimator).__name__} sends samples through a network; "
            "use it alone."
        )


def _doubts(of: Literal["input", "target"], estimates: list[Estimate | None]) -> list[Doubt]:
    """The warnings of one estimate a cell."""
    return [Doubt(cell, of, w) for cell, e in enumerate(estimates) if e is not None for w in e.warnings]


def _briefly(method: Any) -> str:
    """A method with the settings that differ from their defaults, and what it wraps likewise."""
    parts = []
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if isinstance(value, Estimator):
            parts.append(_briefly(value))
        elif value != _default(field):
            parts.append(f"{field.name}={_briefly(value) if dataclasses.is_dataclass(value) else repr(value)}")
    return f"{type(method).__name__}({', '.join(parts)})"


def _default(field: dataclasses.Field[Any]) -> Any:
    """Of a setting; ``dataclasses.MISSING`` where it has none."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


@dataclass(frozen=True, eq=False)
class Density:
    """What a pointwise method found.

    Attributes:
        terms: (n,) information density of every sample, in nats; the estimate is their mean.
        notes: how it was made.
        warnings: why the value should not be trusted as it stands.
        quantity: name of what they measure, where it is not I(X;Y).
        details: further numbers by name.
        infinite: an exact relation makes the information +inf, whatever ``terms`` say.
        influence: (n,) what every sample adds to the estimate, up to a constant, where a sample has a part in the terms
            of others too; their spread is the standard error. None for ``terms``.
    """

    terms: np.ndarray
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    quantity: str = "I(X;Y)"
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    infinite: bool = False
    influence: np.ndarray | None = None


@dataclass(frozen=True)
class Pointwise(Estimator):
    """An estimator with a number for every sample, whose mean is the estimate."""

    @abc.abstractmethod
    def density(self, x: Variable, y: Variable, *, seed: int) -> Density:
        """The information density of every sample."""

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        found = self.density(x, y, seed=seed)
        return Estimate(
            value=np.inf if found.infinite else float(found.terms.mean()),
            stderr=math.nan
            if found.infinite
            else influence_error(found.terms if found.influence is None else found.influence),
            quantity=found.quantity,
            n_samples=x.n,
            notes=found.notes,
            warnings=found.warnings,
            method=str(self),
            details=found.details,
        )


def influence_error(terms: np.ndarray) -> float:
    """Standard error of a mean of (n,) terms.

    Of terms that share noise, as of neighbours, it is too small (1.5 times at most). Of what each sample adds, its part
    in the terms of others included, it is that of the jackknife, which in expectation is never too small (Efron &
    Stein 1981, Ann. Statist. 9, 586-596).
    """
    return float(terms.std(ddof=1) / math.sqrt(len(terms))) if len(terms) > 1 else math.nan
