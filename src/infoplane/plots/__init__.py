"""Pictures for papers: each function takes data and an Axes, draws, and returns the Axes.

None of them shows a window, imports pyplot or changes a setting of matplotlib. Without an Axes a function makes a
figure of its own, which belongs to whoever holds it: ``infoplane.plots.plane(ds).figure.savefig("plane.png")``.
Information is drawn in bits unless ``unit="nats"``; calibrations and laws of known information in nats unless
``unit="bits"``.
"""

from .activity import activity_map, activity_panels
from .agreement import agreement
from .along_beta import cost_curve, gap_curve, information_against_beta
from .betas import beta_profiles, bound_distances, critical_distances, layer_betas, layer_residuals
from .bottleneck import bottleneck_curve, bottleneck_panels
from .brackets import bracket_curves, bracket_panels, bracket_runs
from .calibration import calibration, calibration_panels
from .clusters import bifurcation, cluster_tree, cluster_weights
from .comparisons import compression, converged, depth
from .courses import course, course_panels, plane_by_loss, plane_by_loss_panels
from .curves import information_curves
from .ensembles import ensemble_plane, over_time, over_time_panels
from .estimators import estimator_panels, fall_against_noise, fall_panels
from .functionals import bifurcation_panels, curve_panels, forward_panels, information_shares, onsets
from .gallery import bin_size, figure_of, figures, information_panels, path_panels, snapshot_panels
from .generalisation import accuracy_panels, against_accuracy
from .layers import plane
from .lossy import against_dimension, against_truth, against_truth_panels, latent_sizes
from .measures import layer_curves, measure_panels
from .neuron import against_weight, weight_panels
from .noise import against_noise, noise_panels
from .parts import information_parts, part_panels
from .prediction import against_samples, sample_panels
from .profiles import layer_profile, layer_profile_panels
from .ranks import rank_table
from .snapshots import plane_paths, plane_snapshot
from .training import gradient_phases, training_curves
from .variational import variational_panels, variational_plane

__all__ = [
    "accuracy_panels",
    "activity_map",
    "activity_panels",
    "against_accuracy",
    "against_dimension",
    "against_noise",
    "against_samples",
    "against_truth",
    "against_truth_panels",
    "against_weight",
    "agreement",
    "beta_profiles",
    "bifurcation",
    "bifurcation_panels",
    "bin_size",
    "bottleneck_curve",
    "bottleneck_panels",
    "bound_distances",
    "bracket_curves",
    "bracket_panels",
    "bracket_runs",
    "calibration",
    "calibration_panels",
    "cluster_tree",
    "cluster_weights",
    "compression",
    "converged",
    "cost_curve",
    "course",
    "course_panels",
    "critical_distances",
    "curve_panels",
    "depth",
    "ensemble_plane",
    "estimator_panels",
    "fall_against_noise",
    "fall_panels",
    "figure_of",
    "figures",
    "forward_panels",
    "gap_curve",
    "gradient_phases",
    "information_against_beta",
    "information_curves",
    "information_panels",
    "information_parts",
    "information_shares",
    "latent_sizes",
    "layer_betas",
    "layer_curves",
    "layer_profile",
    "layer_profile_panels",
    "layer_residuals",
    "measure_panels",
    "noise_panels",
    "onsets",
    "over_time",
    "over_time_panels",
    "part_panels",
    "path_panels",
    "plane",
    "plane_by_loss",
    "plane_by_loss_panels",
    "plane_paths",
    "plane_snapshot",
    "rank_table",
    "sample_panels",
    "snapshot_panels",
    "training_curves",
    "variational_panels",
    "variational_plane",
    "weight_panels",
]
