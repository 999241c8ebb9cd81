"""Infinitely wide ensembles in words: what they are, what is drawn of them over time, and what to beware of."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..infinite.bounds import pac_bayes_gap
from .ensemble_tables import best_time, middle, over_data, time_text
from .tables import number
from .words import counted

_APART = 0.5  # nats between the bounds of I(X;Z|D) that call for a word
_NEAR = 1.0  # nats from ln M, likewise
_ILL = 1e12  # condition numbers above it leave few digits in float64


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
    Panel("Distances", "Distance of the parameters", "1", True,
          (Line("parameter_distance", "E‖θ − θ₀‖²"), Line("action", "action", "dash"))),
    Panel("Distances", "In the metric of the Fisher information", "1", True,
          (Line("fisher_energy", "energy of the path"), Line("fisher_distance", "straight squared distance", "dash"))),
    Panel("Distances", "Bound of the path's length", "1", True, (Line("path_bound", "√(τ · action)"),)),
)  # fmt: skip


def titles(ensembles: Sequence[xr.Dataset]) -> list[str]:
    """A short name for every ensemble: its title without what all titles share, else what sets its network apart."""
    given = [str(dataset.attrs.get("title", "")) for dataset in ensembles]
    names = _without_the_common(given) if all(given) else _networks(ensembles)
    return [name if names.count(name) == 1 else f"{name} ({k + 1})" for k, name in enumerate(names)]


def _without_the_common(given: list[str]) -> list[str]:
    if len(set(given)) < 2:
        return given
    head = os.path.commonprefix(given)
    tail = os.path.commonprefix([text[::-1] for text in given])[::-1]
    start = head.rfind(": ") + 2 if ": " in head else 0
    stop = len(tail) - tail.find(" (") if " (" in tail else 0
    short = [text[start : len(text) - stop] for text in given]
    return short if all(short) else given


def _networks(ensembles: Sequence[xr.Dataset]) -> list[str]:
    """What differs between the networks, or the network where nothing does."""
    whole = [_network(dataset) for dataset in ensembles]
    split = [re.split(r", |\((?=\w+=)", text.removesuffix(")")) for text in whole]
    shared = set.intersection(*map(set, split))
    apart = [" ".join(part for part in found if part not in shared) for found in split]
    return apart if len(apart) > 1 and all(apart) else whole


def _network(dataset: xr.Dataset) -> str:
    method = str(dataset.attrs.get("method", "ensemble"))
    found = re.fullmatch(r"Ensemble\((.*), \d+ points, .*\)", method)
    return found.group(1) if found else method


def page_title(ensembles: Sequence[xr.Dataset], names: Sequence[str]) -> str:
    """The titles of the ensembles, where they have any, else their names."""
    given = list(dict.fromkeys(str(x.attrs["title"]) for x in ensembles if x.attrs.get("title")))
    if given:
        head = os.path.commonprefix(given)
        return given[0] if len(given) == 1 else head[: head.rfind(": ")] if ": " in head else " · ".join(given[:3])
    return f"Infinitely wide ensemble{'s' if len(names) > 1 else ''}: {', '.join(names[:4])}"


def lead(ensembles: Sequence[xr.Dataset], curves: int) -> list[str]:
    """The paragraph above the sections, sentence by sentence."""
    sizes = list(dict.fromkeys(_sizes(dataset) for dataset in ensembles))
    told = [
        f"{counted(len(ensembles), 'ensemble')} of infinitely wide networks over training time τ: all networks that "
        "start at random and follow gradient flow on the same data D. Their outputs Z are normal at every input X, so "
        "that most quantities here are exact or bounds, without a simulation.",
        *(f"{size}." for size in sizes if size),
    ]
    conventions = list(
        dict.fromkeys(str(x.attrs["time_convention"]) for x in ensembles if "time_convention" in x.attrs)
    )
    told += [f"Time: {text}." for text in conventions]
    if curves:
        told.append(f"The optimum in the plane comes from {counted(curves, 'bottleneck curve')}.")
    return told


def _sizes(dataset: xr.Dataset) -> str:
    attrs = dataset.attrs
    told = [f"{attrs['n_train']:,} training points"] if "n_train" in attrs else []
    told += [f"{attrs['n_test']:,} evaluation points"] if "n_test" in attrs else []
    told += [counted(int(attrs["outputs"]), "output")] if "outputs" in attrs else []
    count = dataset.sizes.get("seed", 1)
    return ", ".join([*told, *([f"{count} data sets drawn"] if count > 1 else [])])


def beware(ensembles: Sequence[xr.Dataset]) -> list[str]:
    """What holds for every ensemble of the page."""
    told = [
        "Losses assume q(y|z) = N(y; z, 1): they are in nats per example and hold the constant ½ ln 2π of every output.",
        "I(X;Z|D) is held between two bounds that are valid on average over evaluation points; a single draw of points "
        "may lie outside, by about its standard error.",
    ]
    if any("decoder" in x["mi_target"].attrs for x in ensembles):
        how = list(dict.fromkeys(str(x["mi_target"].attrs.get("decoder", "a decoder")) for x in ensembles))
        told.append(
            f"I(Z;Y|D) is a lower value: H(Y) less the cross-entropy of one decoder ({', '.join(how)}). It may be "
            "negative, and noise of the evaluation points may lift it above I(X;Y)."
        )
    if any("mi_output_data" in x for x in ensembles):
        told.append(
            "I(Z;D|X) and I(Θ;D) are divergences from the start for the data at hand; only their mean over data sets "
            "is an upper bound of the information."
        )
    if any("parameter_distance" in x for x in ensembles):
        told.append("Squared distances, actions and energies are four different things, and none is an information.")
    return told


def cautions(dataset: xr.Dataset) -> list[str]:
    """One sentence for everything that gives cause; those that came with the results are last."""
    checks: list[Callable[[xr.Dataset], Iterator[str]]] = [
        _apart, _near_the_ceiling, _entropy, _linearised, _vacuous, _conditions, _noted,
    ]  # fmt: skip
    found = [sentence for check in checks for sentence in check(dataset)]
    return found or ["Nothing stands out."]


def _apart(dataset: xr.Dataset) -> Iterator[str]:
    if "mi_input_lower" not in dataset:
        return
    apart = middle(over_data(dataset, "mi_input")) - middle(over_data(dataset, "mi_input_lower"))
    if (wide := apart > _APART).any():
        k = int(np.nanargmax(apart))
        yield (
            f"The bounds of I(X;Z|D) are more than {_APART} nats apart at {wide.sum()} of {counted(len(apart), 'time')}, "
            f"{number(float(apart[k]))} nats at τ = {_time(dataset, k)}: the bars in the plane are part of the answer."
        )


def _near_the_ceiling(dataset: xr.Dataset) -> Iterator[str]:
    ceiling = dataset.attrs.get("ceiling_input")
    if "mi_input_lower" not in dataset or ceiling is None:
        return
    near = middle(over_data(dataset, "mi_input_lower")) > float(ceiling) - _NEAR
    if near.any():
        points = f"{dataset.attrs['n_test']:,} evaluation points" if "n_test" in dataset.attrs else "M points"
        yield (
            f"At {near.sum()} of {counted(len(near), 'time')} the lower bound of I(X;Z|D) is within 1 nat of ln M = "
            f"{number(float(ceiling))} nats, which it can never exceed with {points}; the truth may be far above."
        )


def _entropy(dataset: xr.Dataset) -> Iterator[str]:
    entropy = dataset.attrs.get("entropy_target")
    if entropy is not None and np.isfinite(entropy):
        yield f"I(Z;Y|D) takes H(Y) as {number(float(entropy))} nats; an error of that shifts all its values."


def _linearised(dataset: xr.Dataset) -> Iterator[str]:
    if "mi_parameters_data_linearised" in dataset:
        yield (
            "I(Θ;D) is given linearised, without the curvature of the network in its parameters, which is infinite or "
            "not known for this activation: it is no bound. The divergence of the training outputs is a lower limit."
        )


def _vacuous(dataset: xr.Dataset) -> Iterator[str]:
    """Whether a bound on the gap through the parameters says anything, at the time when it would be of use."""
    k, n = best_time(dataset), dataset.attrs.get("n_train")
    if k is None or n is None or "mi_parameters_data" not in dataset:
        return
    divergence = float(middle(over_data(dataset, "mi_parameters_data"))[k])
    if not np.isfinite(divergence):
        yield "The divergence of the parameters is infinite at the time of least Gibbs loss: no bound follows from it."
        return
    bound = float(pac_bayes_gap(np.array(divergence), int(n)))
    what = "vacuous, as it is above 1" if bound >= 1 else "below 1"
    yield (
        f"At the least Gibbs loss (τ = {_time(dataset, k)}) the divergence of the parameters is {number(divergence)} "
        f"nats; the PAC-Bayes bound √((KL + ln(2√N/0.05)) / 2N) on the gap of a loss in [0, 1] is {number(bound)}, "
        f"{what}. The loss of this page is not bounded, so that it holds for none of its gaps."
    )


def _conditions(dataset: xr.Dataset) -> Iterator[str]:
    attrs = dataset.attrs
    for name, kernel in (("condition_tangent", "tangent kernel"), ("condition_covariance", "covariance kernel")):
        value = attrs.get(name)
        if value is not None and not float(value) < _ILL:
            yield f"The {kernel} is nearly singular: condition number {float(value):.1e}."
    floored = int(attrs.get("modes_at_floor", 0))
    if floored:
        yield f"{counted(floored, 'mode')} of the tangent kernel cannot be told from 0; they are not learned at τ = ∞."


def _noted(dataset: xr.Dataset) -> Iterator[str]:
    text = str(dataset.attrs.get("notes", "[]"))
    try:
        notes = json.loads(text)
    except ValueError:
        notes = [text]
    several = "; of the first data set" if dataset.sizes.get("seed", 1) > 1 else ""
    for note in notes if isinstance(notes, list) else [notes]:
        yield f"{str(note)[:1].upper()}{str(note)[1:]} (Noted by the computation{several}.)"


def _time(dataset: xr.Dataset, position: int) -> str:
    return time_text(float(dataset["time"][position]))
