"""Recording and estimator in, information plane out; with the checks that say how far to believe it."""

from .betas import layer_betas
from .bounds import gaussian_channel_bound, input_compression_bound, layer_beta
from .compute import information_plane
from .phases import gradient_phases
from .summary import summary
from .task_bound import with_bound

__all__ = [
    "gaussian_channel_bound",
    "gradient_phases",
    "information_plane",
    "input_compression_bound",
    "layer_beta",
    "layer_betas",
    "summary",
    "with_bound",
]
