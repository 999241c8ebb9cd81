"""Networks trained for the bottleneck: objectives, their terms, bounds on the trained encoder.

Everywhere beta multiplies I(Z;Y), in nats. A published VIB coefficient b of the rate is beta = 1 / b, a published CEB
coefficient g of the distortion is beta = 1 + g. A conditional rate bounds I(X;Z|Y) and is never called I(X;Z).
"""

from .attacks import attacked
from .bounds import (
    Pair,
    fitted_prior,
    fitted_priors,
    generative_cross_entropy,
    kernel_bounds,
    mixture_rate,
    sandwich,
)
from .encoders import Convolutional, Dense, WideResNet
from .exact import TableSolution, table_solution
from .fitted import Fitted
from .fitting import DivergedError, fit
from .label_noise import Confusion, Gaussian, LabelNoise, Smooth, Teacher
from .model import Model, Spread
from .naming import by_name, names
from .objectives import (
    CEB,
    VIB,
    CrossEntropy,
    DualVIB,
    NonlinearIB,
    Objective,
    SquaredVIB,
    Terms,
    Weights,
    averaged,
    loss,
    stacked,
)
from .program import Optimizer
from .schedule import Schedule
from .terms import batch_terms, distortion, divergence, kl_classes, kl_diagonal, kl_standard, predictive, sampled_kl

__all__ = [
    "CEB",
    "VIB",
    "Confusion",
    "Convolutional",
    "CrossEntropy",
    "Dense",
    "DivergedError",
    "DualVIB",
    "Fitted",
    "Gaussian",
    "LabelNoise",
    "Model",
    "NonlinearIB",
    "Objective",
    "Optimizer",
    "Pair",
    "Schedule",
    "Smooth",
    "Spread",
    "SquaredVIB",
    "TableSolution",
    "Teacher",
    "Terms",
    "Weights",
    "WideResNet",
    "attacked",
    "averaged",
    "batch_terms",
    "by_name",
    "distortion",
    "divergence",
    "fit",
    "fitted_prior",
    "fitted_priors",
    "generative_cross_entropy",
    "kernel_bounds",
    "kl_classes",
    "kl_diagonal",
    "kl_standard",
    "loss",
    "mixture_rate",
    "names",
    "predictive",
    "sampled_kl",
    "sandwich",
    "stacked",
    "table_solution",
]
