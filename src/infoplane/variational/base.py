"""What every objective has in common: the numbers it may weigh, its weights, and what it says about itself.

To add an objective, copy the shape of :class:`infoplane.variational.VIB`. Nothing here needs an array library: the same
arithmetic runs on NumPy, JAX and PyTorch numbers.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from ..errors import InputError
from .label_noise import LabelNoise
from .schedule import Schedule, checked_number

Bounded = Literal["I(X;Z)", "I(X;Z|Y)"]
Prior = Literal["marginal", "conditional"]
Latent = Literal["gaussian", "shared", "mean"]


class Terms(NamedTuple):
    """The numbers an objective may weigh, in nats: one per sample, or their averages. 0.0 where nobody asked.

    Attributes:
        distortion: D = E[-ln c(y|z)] of the labels themselves; H(Y) - D is at most I(Z;Y).
        cross_entropy: the same against what the decoder is trained for: the label, or its noise model.
        rate: R = E[ln e(z|x) - ln m(z)], at least I(X;Z).
        rate_conditional: R_c = E[ln e(z|x) - ln b(z|y)], at least I(X;Z|Y) = I(X;Z) - I(Z;Y), and no bound on I(X;Z).
        divergence: E[KL(c(.|z) || p~(.|x, y))], with p~ the noise model of the label.
        kernel: pairwise-kernel bound, at least I(X;Z) for the inputs of the batch, at most ln of their number.
    """

    distortion: Any = 0.0
    cross_entropy: Any = 0.0
    rate: Any = 0.0
    rate_conditional: Any = 0.0
    divergence: Any = 0.0
    kernel: Any = 0.0


class Weights(NamedTuple):
    """Multipliers of the terms: numbers, or (k,) arrays for k trade-offs at once, over which one may ``vmap``."""

    cross_entropy: Any = 0.0
    rate: Any = 0.0
    rate_squared: Any = 0.0
    rate_conditional: Any = 0.0
    divergence: Any = 0.0
    kernel: Any = 0.0
    kernel_squared: Any = 0.0


def averaged(terms: Terms) -> Terms:
    """The averages over the samples, which :func:`loss` weighs."""
    return Terms(*(one.mean() if hasattr(one, "mean") else one for one in terms))


def loss(terms: Terms, weights: Weights) -> Any:
    """The number to minimise: the averaged terms, each times its weight.

    Args:
        terms: averages over a batch. A squared rate is the square of the average, so its estimate from a batch of n is
            too large by the variance of the rate over n.
        weights: of an objective, at a step.
    """
    return (
        weights.cross_entropy * terms.cross_entropy
        + weights.rate * terms.rate
        + weights.rate_squared * (terms.rate * terms.rate)
        + weights.rate_conditional * terms.rate_conditional
        + weights.divergence * terms.divergence
        + weights.kernel * terms.kernel
        + weights.kernel_squared * (terms.kernel * terms.kernel)
    )


def stacked(objectives: Sequence[Objective], step: Any = 0) -> Weights:
    """The weights of many objectives at one step, as (k,) arrays.

    Args:
        objectives: k of them; of one kind, so that they weigh the same terms, if one function is to serve them all.
        step: number of updates made; may be traced by ``jax.jit``.
    """
    if not objectives:
        raise InputError("stacked needs at least one objective, got none.")
    rows = [objective.weights(step) for objective in objectives]
    stack = np.stack if isinstance(step, int | np.integer) else _jax_stack
    return Weights(*(stack(column) for column in zip(*rows, strict=True)))


def _jax_stack(numbers: Sequence[Any]) -> Any:
    import jax.numpy as jnp

    return jnp.stack([jnp.asarray(number) for number in numbers])


@dataclass(frozen=True)
class Objective(abc.ABC):
    """A loss. Each says which information its rate bounds, so that a result cannot call one the other.

    Attributes:
        latent: how Z is drawn: "gaussian", mean and scale for every input; "shared", one trained scale for all inputs;
            "mean", without noise.
    """

    latent: ClassVar[Latent] = "gaussian"

    @abc.abstractmethod
    def weights(self, step: Any = 0) -> Weights:
        """The multipliers at an update.

        Args:
            step: number of updates made before: an int gives floats, an array (traced or not) gives arrays.
        """

    @property
    @abc.abstractmethod
    def bounds(self) -> Bounded | None:
        """What the rate in the loss is an upper bound of; None without a rate."""

    @property
    def prior(self) -> Prior | None:
        """The prior the loss trains: m(z), b(z|y), or none."""
        return {"I(X;Z)": "marginal", "I(X;Z|Y)": "conditional", None: None}[self.bounds]

    @property
    def noise(self) -> LabelNoise | None:
        """The noise model p~(.|x, y) of the labels that the loss needs; None if the labels themselves do."""
        return getattr(self, "labels", None)

    @property
    def decoder_target(self) -> Literal["label", "noise model"]:
        """What the cross-entropy in the loss compares the decoder with."""
        return "label" if self.noise is None else "noise model"

    @property
    def uses_divergence(self) -> bool:
        """Whether the loss weighs KL(c || p~)."""
        return False

    @property
    def uses_kernel(self) -> bool:
        """Whether the loss weighs the pairwise-kernel bound."""
        return False

    def check_parts(self, scale: Any, conditional: Any) -> None:
        """Refuse a model without what the loss weighs.

        Args:
            scale: of the encoder, or None.
            conditional: prior b(z|y), or None.

        Raises:
            InputError: no scale for an objective with a rate, or no conditional prior for a conditional rate.
        """
        if scale is None and self.latent != "mean":
            raise InputError(f"{self.name} needs a noisy encoder: give its scale, (n, d) or one number.")
        if self.prior == "conditional" and conditional is None:
            raise InputError(
                f"{self.name} needs the conditional prior b(z|y): conditional=(mean, scale), (classes, d) each."
            )

    @property
    def name(self) -> str:
        """As results and the command line give it, without settings left at their defaults.

        ``by_name`` reads it back, unless the labels are a ``Confusion`` or a ``Teacher``; ``repr`` has a matrix whole.
        """
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if getattr(self, f.name) != _left(f)}
        told = [f"{name}={v.name if isinstance(v, LabelNoise) else repr(v)}" for name, v in fields.items()]
        return f"{type(self).__name__}({', '.join(told)})"

    def _check(self, least: float = 0.0, why: str = "") -> None:
        """Refuse a beta that is not a number above ``least``, a schedule or a noise model that is none."""
        who = type(self).__name__
        beta = checked_number(getattr(self, "beta"), who, "beta", least, "which multiplies I(Z;Y)" + why)  # noqa: B009
        object.__setattr__(self, "beta", beta)
        schedule = getattr(self, "schedule")  # noqa: B009
        if not isinstance(schedule, Schedule):
            raise InputError(f"{who} needs a Schedule, as in Schedule(start=1, steps=1000), got {schedule!r}.")
        if schedule.start is not None:
            checked_number(schedule.start, who, "the start of its schedule", least, "as beta has" + why)
        if self.noise is not None and not isinstance(self.noise, LabelNoise):
            raise InputError(f"{who} needs a noise model for labels, such as Smooth(0.02), got {self.noise!r}.")


def _left(one: dataclasses.Field) -> Any:
    return one.default if one.default_factory is dataclasses.MISSING else one.default_factory()
