"""All experiments, by name."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, nearest
from ..progress import Progress, silent
from .base import Experiment, Result
from .bin_size import BinSize
from .black_box import BlackBox
from .deep_linear import DeepLinear
from .depth import Depth
from .dual_ib import DualIBExample
from .dual_prediction import DualPrediction
from .dual_vib_cifar10 import DualVIBCIFAR10
from .estimators import Estimators
from .gradient_phases import GradientPhases
from .ib_bound import IBBound
from .ib_curve import IBCurve
from .infinite_depth import InfiniteDepth
from .infinite_gaussian import InfiniteGaussian
from .infinite_mnist import InfiniteMNIST
from .infinite_sample_size import InfiniteSampleSize
from .infinite_width_limit import InfiniteWidthLimit
from .layer_measures import LayerMeasures
from .lossy_cifar10 import LossyCIFAR10
from .lossy_mnist import LossyMNIST
from .lossy_synthetic import LossySynthetic
from .mnist_plane import MNISTPlane
from .noisy import Noisy
from .nonlinearity import Nonlinearity
from .one_neuron import OneNeuron
from .out_of_distribution import OutOfDistribution
from .quantised import Quantised
from .random_labels import RandomLabels
from .regularisation import Regularisation
from .resnet_plane import ResNetPlane
from .robustness import Robustness
from .second_rule import SecondRule
from .train_size import TrainSize
from .variational_plane import VariationalPlane
from .variational_tightness import VariationalTightness
from .vib_mnist import VIBMNIST

_EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        BlackBox(),
        TrainSize(),
        Depth(),
        GradientPhases(),
        BinSize(),
        Nonlinearity(),
        OneNeuron(),
        DeepLinear(),
        Estimators(),
        Noisy(),
        Quantised(),
        Regularisation(),
        SecondRule(),
        LayerMeasures(),
        LossySynthetic(),
        LossyMNIST(),
        LossyCIFAR10(),
        MNISTPlane(),
        ResNetPlane(),
        IBBound(),
        IBCurve(),
        DualIBExample(),
        DualPrediction(),
        InfiniteGaussian(),
        InfiniteMNIST(),
        InfiniteSampleSize(),
        RandomLabels(),
        InfiniteDepth(),
        InfiniteWidthLimit(),
        VIBMNIST(),
        VariationalTightness(),
        Robustness(),
        OutOfDistribution(),
        VariationalPlane(),
        DualVIBCIFAR10(),
    )
}


def names() -> list[str]:
    """The names of all experiments."""
    return list(_EXPERIMENTS)


def describe(name: str) -> Experiment:
    """The experiment of this name, with its title, source and sizes.

    Raises:
        InputError: there is none; the message has the nearest name.
    """
    if name not in _EXPERIMENTS:
        raise InputError(f"There is no experiment {name!r}; {nearest(name, names())}")
    return _EXPERIMENTS[name]


def run(
    name: str,
    *,
    quick: bool = False,
    seeds: int | None = None,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Result:
    """Run an experiment of the literature and test its claims.

    Args:
        name: one of :func:`names`.
        quick: reduced size, at most a minute on two cores.
        seeds: number of networks, or of repetitions of sampling; the experiment's own if None.
        out: folder for datasets, figures, claims and report. An interrupted run continues when called again; a
            finished one is read. None keeps everything in memory.
        progress: called with (stage, done, total).

    Returns:
        Result with ``datasets``, ``claims`` and ``figures``.

    Raises:
        InputError: an unknown name, fewer than 2 seeds, or a folder that holds something else.
    """
    return describe(name).run(quick=quick, seeds=seeds, out=out, progress=progress)
