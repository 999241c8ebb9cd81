"""What is drawn of infinitely wide ensembles over time: the pictures, their units and their lines."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A variable, what it is called, and its stroke."""

    name: str
    label: str
    dash: str = "solid"


class Panel(NamedTuple):
    """A picture over time; ``unit`` is "information" (bits or nats), "nats" or "1"."""

    group: str
    title: str
    unit: str
    log: bool
    lines: tuple[Line, ...]


PANELS = (
    Panel("Losses", "Gibbs loss per example", "nats", False,
          (Line("loss_gibbs", "test"), Line("loss_gibbs_train", "training", "dash"))),
    Panel("Losses", "Bayes loss per example", "nats", False,
          (Line("loss_bayes", "points on their own"), Line("loss_bayes_joint", "all points together", "dash"))),
    Panel("Losses", "Generalisation gap, Gibbs loss", "nats", False, (Line("generalisation_gap", "test − training"),)),
    Panel("Losses", "Squared error of the mean output", "1", False, (Line("squared_error", "test"),)),
    Panel("Losses", "Accuracy of the mean output", "1", False, (Line("accuracy", "test"),)),
    Panel("Informations", "I(X;Z|D)", "information", False,
          (Line("mi_input", "upper"), Line("mi_input_lower", "lower", "dash"))),
    Panel("Informations", "I(Z;Y|D), lower values", "information", False,
          (Line("mi_target", "decoder of the plane"), Line("mi_target_affine", "affine decoder", "dash"))),
    Panel("Informations", "I(Z;D|X) per point", "information", False,
          (Line("mi_output_data", "mean of the divergence from the start"),)),
    Panel("Informations", "Outputs and data, all points together", "information", True,
          (Line("mi_output_data_joint", "evaluation points"), Line("mi_output_data_joint_train", "training", "dash"))),
    Panel("Parameters", "I(Θ;D)", "information", True,
          (Line("mi_parameters_data", "upper"), Line("mi_parameters_data_linearised", "linearised, no bound", "dash"),
           Line("mi_output_data_joint_train", "lower limit: training outputs", "dot"))),
    Panel("Parameters", "Terms of I(Θ;D)", "information", True,
          (Line("mi_parameters_data_volume", "volume"), Line("mi_parameters_data_overlap", "overlap", "dash"),
           Line("mi_parameters_data_distance", "distance", "dot"),
           Line("mi_parameters_data_curvature", "curvature", "dashdot"))),
    Panel("Parameters", "Directions learned", "1", False,
          (Line("modes_learned", "modes learned"), Line("effective_dimension", "effective dimension", "dash"))),
    Panel("Parameters", "Trace of the Fisher information", "1", True, (Line("fisher_trace", "constant in time"),)),
    Panel("Distances", "Distance of the parameters", "1", True,
          (Line("parameter_distance", "E‖θ − θ₀‖²"), Line("action", "action", "dash"))),
    Panel("Distances", "In the metric of the Fisher information", "1", True,
          (Line("fisher_energy", "energy of the path"), Line("fisher_distance", "straight squared distance", "dash"))),
    Panel("Distances", "Bound of the path's length", "1", True, (Line("path_bound", "√(τ · action)"),)),
)  # fmt: skip
