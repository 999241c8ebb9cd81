"""Pictures for papers: each function takes data and an Axes, draws, and returns the Axes.

None of them shows a window, imports pyplot or changes a setting of matplotlib. Without an Axes a function makes a
figure of its own, which belongs to whoever holds it: ``infoplane.plots.plane(ds).figure.savefig("plane.png")``.
Information is drawn in bits unless ``unit="nats"``; calibrations and laws of known information in nats unless
``unit="bits"``.
"""

from .calibration import calibration, calibration_panels
from .comparisons import compression, converged, depth
from .curves import information_curves
from .gallery import bin_size, figure_of, figures, information_panels, path_panels, snapshot_panels
from .layers import plane
from .lossy import against_dimension, against_truth, against_truth_panels, latent_sizes
from .snapshots import plane_paths, plane_snapshot
from .training import gradient_phases, training_curves

__all__ = [
    "against_dimension",
    "against_truth",
    "against_truth_panels",
    "bin_size",
    "calibration",
    "calibration_panels",
    "compression",
    "converged",
    "depth",
    "figure_of",
    "figures",
    "gradient_phases",
    "information_curves",
    "information_panels",
    "latent_sizes",
    "path_panels",
    "plane",
    "plane_paths",
    "plane_snapshot",
    "snapshot_panels",
    "training_curves",
]
