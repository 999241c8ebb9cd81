"""What a network is trained for: a weighted sum of few numbers, with beta the multiplier of I(Z;Y) everywhere.

X is the input, Y the label, Z the representation, Z - X - Y. The encoder e(z|x) is a Gaussian, c(y|z) the decoder, m(z)
the marginal and b(z|y) the conditional prior.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ..errors import InputError
from .base import Bounded, Latent, Objective, Prior, Terms, Weights, averaged, loss, stacked
from .label_noise import LabelNoise, Smooth
from .schedule import Schedule, checked_number

__all__ = [
    "CEB",
    "VIB",
    "CrossEntropy",
    "DualVIB",
    "NonlinearIB",
    "Objective",
    "Prior",
    "SquaredVIB",
    "Terms",
    "Weights",
    "averaged",
    "loss",
    "stacked",
]


@dataclass(frozen=True)
class VIB(Objective):
    """Variational information bottleneck: minimise D + R / beta, so that the published coefficient b is 1 / beta.

    With the best priors and decoder this is H(Y) + (I(X;Z) - beta I(Z;Y)) / beta.

    Attributes:
        beta: > 0; the published b = 1e-3 is beta = 1000.
        labels: a noise model as the decoder's target; None for the labels themselves.
        schedule: of beta over the updates.

    Reference:
        arXiv:1612.00410.
    """

    beta: float
    labels: LabelNoise | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        self._check(why="; a published coefficient b of the rate is beta = 1 / b")

    @property
    def bounds(self) -> Bounded:
        return "I(X;Z)"

    def weights(self, step: Any = 0) -> Weights:
        return Weights(cross_entropy=1.0, rate=1.0 / self.schedule(self.beta, step))


@dataclass(frozen=True)
class CEB(Objective):
    """Conditional entropy bottleneck: minimise R_c + (beta - 1) D.

    I(X;Z|Y) - g I(Z;Y) = I(X;Z) - (1 + g) I(Z;Y), so a published g is beta = 1 + g.

    Attributes:
        beta: >= 1; at 1 only the conditional rate is left.
        labels: a noise model as the decoder's target; None for the labels themselves.
        schedule: of beta over the updates.

    Reference:
        arXiv:2002.05379, arXiv:2002.05380.
    """

    beta: float
    labels: LabelNoise | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        self._check(1.0, "; a published coefficient g >= 0 of D is beta = 1 + g")

    @property
    def bounds(self) -> Bounded:
        return "I(X;Z|Y)"

    def weights(self, step: Any = 0) -> Weights:
        return Weights(cross_entropy=self.schedule(self.beta, step) - 1.0, rate_conditional=1.0)


@dataclass(frozen=True)
class DualVIB(Objective):
    """Variational dual bottleneck: minimise rate + beta E[KL(c(.|z) || p~(.|x, y))] + target D.

    The expectation in the divergence is over the decoder's law: its arguments are swapped against a cross-entropy. With
    target = 0 the best decoder is a geometric mean of p~, not p(y|z), so that H(Y) - D is a loose bound on I(Z;Y);
    train a cross-entropy read-out on frozen z for that axis.

    Attributes:
        beta: > 0, of the divergence.
        target: >= 0, of the distortion.
        rate: "conditional", R_c, as the released code has it; "marginal", R, as the dual bottleneck has it. They differ
            by I(Z;Y) when both bounds are tight.
        labels: p~, which must have no zeros.
        noisy_target: whether D compares with p~ and not with the label, as the released code does by default.
        schedule: of beta over the updates. The released one is ``Schedule(100, 4000)``, and falls only: a larger beta
            applies at once there.

    Reference:
        arXiv:2006.04641, and the released code.
    """

    beta: float
    target: float = 0.0
    rate: Literal["conditional", "marginal"] = "conditional"
    labels: LabelNoise = field(default_factory=Smooth)
    noisy_target: bool = False
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        self._check()
        checked_number(self.target, "DualVIB", "target", 0.0, "which multiplies D", strict=False)
        if self.rate not in ("conditional", "marginal"):
            raise InputError(f"DualVIB needs rate 'conditional' or 'marginal', got {self.rate!r}.")
        if self.labels is None:
            raise InputError("DualVIB needs a noise model for labels, as KL(c || p~) is infinite at a one-hot p~: "
                             "use Smooth(0.02), or Confusion.estimated of a trained network.")  # fmt: skip
        if not isinstance(self.noisy_target, bool):
            raise InputError(f"DualVIB needs noisy_target=True or False, got {self.noisy_target!r}.")

    @property
    def bounds(self) -> Bounded:
        return "I(X;Z|Y)" if self.rate == "conditional" else "I(X;Z)"

    @property
    def decoder_target(self) -> Literal["label", "noise model"]:
        return "noise model" if self.noisy_target else "label"

    @property
    def uses_divergence(self) -> bool:
        return True

    def weights(self, step: Any = 0) -> Weights:
        beta = self.schedule(self.beta, step)
        if self.rate == "conditional":
            return Weights(cross_entropy=self.target, rate_conditional=1.0, divergence=beta)
        return Weights(cross_entropy=self.target, rate=1.0, divergence=beta)


@dataclass(frozen=True)
class SquaredVIB(Objective):
    """The squared functional: minimise D + R^2 / beta, which is R^2 - beta I(Z;Y) up to scale and a constant.

    For labels that are a function of the input it reaches points of the curve that the plain cost skips.

    Attributes:
        beta: > 0; a published coefficient b of the squared rate is beta = 1 / b.
        labels: a noise model as the decoder's target; None for the labels themselves.
        schedule: of beta over the updates.

    Reference:
        arXiv:1808.07593.
    """

    beta: float
    labels: LabelNoise | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        self._check(why="; a published coefficient b of the squared rate is beta = 1 / b")

    @property
    def bounds(self) -> Bounded:
        return "I(X;Z)"

    def weights(self, step: Any = 0) -> Weights:
        return Weights(cross_entropy=1.0, rate_squared=1.0 / self.schedule(self.beta, step))


@dataclass(frozen=True)
class NonlinearIB(Objective):
    """Nonlinear bottleneck: minimise D + I^power / beta, I the pairwise-kernel bound on I(X;Z) of the batch.

    Z = f(x) + N(0, s^2 I) with one trained scale s. The bound saturates at ln of the batch size, which is to be
    reported beside it; no prior is needed.

    Attributes:
        beta: > 0; a published coefficient b of the bound is beta = 1 / b.
        power: 1, or 2 where labels are a function of the input.
        labels: a noise model as the decoder's target; None for the labels themselves.
        schedule: of beta over the updates.

    Reference:
        arXiv:1705.02436.
    """

    latent: ClassVar[Latent] = "shared"
    beta: float
    power: Literal[1, 2] = 1
    labels: LabelNoise | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        self._check(why="; a published coefficient b of the bound is beta = 1 / b")
        if self.power not in (1, 2):
            raise InputError(f"NonlinearIB needs power 1 or 2, got {self.power!r}.")

    @property
    def bounds(self) -> Bounded:
        return "I(X;Z)"

    @property
    def prior(self) -> None:
        return None

    @property
    def uses_kernel(self) -> bool:
        return True

    def weights(self, step: Any = 0) -> Weights:
        coefficient = 1.0 / self.schedule(self.beta, step)
        if self.power == 1:
            return Weights(cross_entropy=1.0, kernel=coefficient)
        return Weights(cross_entropy=1.0, kernel_squared=coefficient)


@dataclass(frozen=True)
class CrossEntropy(Objective):
    """The baseline: minimise the cross-entropy of a network without noise, of smoothed labels or the labels themselves.

    Attributes:
        smoothing: e in (1 - e) one-hot + e / classes.
    """

    latent: ClassVar[Latent] = "mean"
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        checked_number(self.smoothing, "CrossEntropy", "smoothing", 0.0, "and at most 1", strict=False, most=1.0)

    @property
    def noise(self) -> LabelNoise | None:
        return Smooth(self.smoothing) if self.smoothing else None

    @property
    def bounds(self) -> None:
        return None

    def weights(self, step: Any = 0) -> Weights:
        return Weights(cross_entropy=1.0)
