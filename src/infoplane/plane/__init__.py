"""Recording and estimator in, information plane out; with the checks that say how far to believe it."""

from .activity import layer_activity
from .agreement import agreement
from .betas import layer_betas
from .bounds import gaussian_channel_bound, input_compression_bound, layer_beta
from .clustering import clustering
from .compute import information_plane
from .direct import direct_information
from .equivocation import equivocation
from .linear import linear_plane
from .lossy import lossy_plane, processing_violations
from .neurons import neuron_information
from .noise_sweep import noise_sweep
from .phases import gradient_phases
from .rescaling import rescalings
from .several import apart, by_estimator
from .summary import summary
from .task_bound import with_bound

__all__ = [
    "agreement",
    "apart",
    "by_estimator",
    "clustering",
    "direct_information",
    "equivocation",
    "gaussian_channel_bound",
    "gradient_phases",
    "information_plane",
    "input_compression_bound",
    "layer_activity",
    "layer_beta",
    "layer_betas",
    "linear_plane",
    "lossy_plane",
    "neuron_information",
    "noise_sweep",
    "processing_violations",
    "rescalings",
    "summary",
    "with_bound",
]
