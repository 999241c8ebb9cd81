"""Ways to estimate mutual information from samples, one method a file. ``base`` says how to add one."""

from .base import Estimator, LayerBlock, LayerInformation, by_name, names
from .binned import Binned
from .pairwise import PairwiseBounds
from .plugin import Plugin

__all__ = ["Binned", "Estimator", "LayerBlock", "LayerInformation", "PairwiseBounds", "Plugin", "by_name", "names"]
