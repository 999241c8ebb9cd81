"""Ways to estimate mutual information from samples, one method a file. ``base`` says how to add one."""

from .automatic import Automatic
from .base import Estimator, LayerBlock, LayerInformation, Passes
from .binned import Binned
from .bounds import MINE, NWJ, SMILE, InfoNCE
from .compressed import Compressed
from .convolution import Convolutional
from .critics import Concatenated, Separable
from .debiased import Debiased
from .decoder import Decoder
from .flow import NormalizingFlow
from .gaussian import Gaussian
from .gaussian_dropout import GaussianDropout
from .kde import KDE
from .kozachenko import KozachenkoLeonenko
from .ksg import KSG
from .mixture import Mixture
from .naming import by_name, names
from .pairwise import PairwiseBounds
from .plugin import Plugin
from .sample_propagation import SamplePropagation
from .subsampled import Subsampled
from .weighted import WeightedKL

__all__ = [
    "KDE",
    "KSG",
    "MINE",
    "NWJ",
    "SMILE",
    "Automatic",
    "Binned",
    "Compressed",
    "Concatenated",
    "Convolutional",
    "Debiased",
    "Decoder",
    "Estimator",
    "Gaussian",
    "GaussianDropout",
    "InfoNCE",
    "KozachenkoLeonenko",
    "LayerBlock",
    "LayerInformation",
    "Mixture",
    "NormalizingFlow",
    "PairwiseBounds",
    "Passes",
    "Plugin",
    "SamplePropagation",
    "Separable",
    "Subsampled",
    "WeightedKL",
    "by_name",
    "names",
]
