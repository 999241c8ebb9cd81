"""All laws by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from ..errors import InputError, nearest
from . import (
    closed_forms,
    compositions,
    crossed,
    gaussian,
    images,
    labels,
    mixed,
    nets,
    neuron,
    normal,
    student,
    transformed,
)
from .base import Law

LAWS: dict[str, Callable[..., Law]] = {
    "additive_noise": gaussian.AdditiveNoise,
    "anti_pca": compositions.anti_pca,
    "asinh_normal": compositions.asinh_normal,
    "asinh_student": compositions.asinh_student,
    "bimodal_normal": compositions.bimodal_normal,
    "binned_neuron": neuron.BinnedNeuron,
    "correlated_gaussian_images": images.correlated_gaussian_images,
    "correlated_normal": normal.CorrelatedNormal,
    "correlated_student": student.CorrelatedStudent,
    "correlated_uniform": transformed.correlated_uniform,
    "crossed_normal": crossed.CrossedNormal,
    "cubed_normal": compositions.cubed_normal,
    "dense_normal": normal.DenseNormal,
    "embedded_normal": gaussian.EmbeddedNormal,
    "gamma_exponential": closed_forms.gamma_exponential,
    "gaussian_images": images.gaussian_images,
    "half_cubed_normal": compositions.half_cubed_normal,
    "linear_net": nets.LinearNet,
    "log_gamma_exponential": closed_forms.LogGammaExponential,
    "mixed_normal": compositions.mixed_normal,
    "mixed_uniform": mixed.MixedUniform,
    "noisy_labels": labels.NoisyLabels,
    "noisy_neuron": neuron.NoisyNeuron,
    "normal_classes": labels.NormalClasses,
    "part_discrete": mixed.PartDiscrete,
    "quantized_uniform": labels.QuantizedUniform,
    "rectangle_images": images.rectangle_images,
    "rings": compositions.rings,
    "smoothed_uniform": closed_forms.SmoothedUniform,
    "sparse_normal": normal.sparse_normal,
    "spiral_normal": compositions.spiral_normal,
    "swiss_roll": compositions.swiss_roll,
    "symmetric_channel": labels.SymmetricChannel,
    "tanh_embedding": compositions.tanh_embedding,
    "uniform_labels": labels.UniformLabels,
    "zero_inflated_normal": mixed.ZeroInflatedNormal,
    "zero_inflated_poisson": mixed.ZeroInflatedPoisson,
}


def names(*settings: str) -> list[str]:
    """Names of the laws, or of those that have every one of these settings: ``names("mi", "dim_x")``."""
    return [name for name, law in LAWS.items() if set(settings) <= set(inspect.signature(law).parameters)]


def by_name(name: str, **settings: Any) -> Law:
    """A law from its name and settings: ``by_name("correlated_normal", mi=2.0, dim_x=2, dim_y=2)``.

    Raises:
        InputError: no such law or setting, or a setting out of reach.
    """
    if name not in LAWS:
        guess = get_close_matches(str(name), LAWS, n=1, cutoff=0.5)
        hint = f"did you mean {guess[0]!r}? " if guess else ""
        raise InputError(f"There is no law {name!r}; {hint}infoplane.laws.names() lists all {len(LAWS)}.")
    known = list(inspect.signature(LAWS[name]).parameters)
    for key in settings:
        if key not in known:
            raise InputError(f"{name} has no setting {key!r}; {nearest(key, known)}")
    return LAWS[name](**settings)
