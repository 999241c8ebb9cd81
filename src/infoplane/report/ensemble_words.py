"""Infinitely wide ensembles in words: what they are called, what they are, and what to beware of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from ..infinite.bounds import pac_bayes_gap
from .ensemble_tables import best_time, middle, over_data, short, time_text
from .tables import number
from .words import counted

_APART = 0.5  # nats between the bounds of I(X;Z|D) that call for a word
_NEAR = 1.0  # nats from ln M, likewise
_ILL = 1e12  # condition numbers above it leave few digits in float64


def titles(ensembles: Sequence[xr.Dataset]) -> list[str]:
    """A short name for every ensemble: its title without what all titles share, else what sets its network apart."""
    given = [str(dataset.attrs.get("title", "")) for dataset in ensembles]
    names = _without_the_common(given)
    if not all(given):
        names = [title or network for title, network in zip(given, _networks(ensembles), strict=True)]
    return [name if names.count(name) == 1 else f"{name} ({k + 1})" for k, name in enumerate(names)]


def _without_the_common(given: list[str]) -> list[str]:
    if len(set(given)) < 2:
        return given
    head, tail = _common(given), _common([text[::-1] for text in given])[::-1]
    start = head.rfind(": ") + 2 if ": " in head else 0
    stop = len(tail) - tail.find(" (") if " (" in tail else 0
    short = [text[start : len(text) - stop] for text in given]
    return short if all(short) else given


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    differs = (k for k, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(differs, len(first))]


def _networks(ensembles: Sequence[xr.Dataset]) -> list[str]:
    """What differs between the networks, or the network where nothing does."""
    whole = [_network(dataset) for dataset in ensembles]
    further = [
        [f"{name} {_plainly(x.attrs[name])}" for name in ("kernel", "ridge") if name in x.attrs] for x in ensembles
    ]
    split = [
        [*re.split(r", |\((?=\w+=)", text.removesuffix(")")), *more] for text, more in zip(whole, further, strict=True)
    ]
    shared = set.intersection(*map(set, split))
    apart = [", ".join(_worded(part) for part in found if part not in shared) for found in split]
    return apart if len(apart) > 1 and all(apart) else whole


def _plainly(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _worded(part: str) -> str:
    """An argument as words: "weight_std=1.5" is "weight std 1.5"."""
    return re.sub(r"[_=]", " ", part).replace("'", "").removeprefix("activation ")


def _network(dataset: xr.Dataset) -> str:
    method = str(dataset.attrs.get("method", "ensemble"))
    found = re.fullmatch(r"Ensemble\((.*), \d+ points, .*\)", method)
    return found.group(1) if found else method


def page_title(ensembles: Sequence[xr.Dataset], names: Sequence[str]) -> str:
    """The titles of the ensembles, where they have any, else their names."""
    given = list(dict.fromkeys(str(x.attrs["title"]) for x in ensembles if x.attrs.get("title")))
    if given:
        head = _common(given)
        return given[0] if len(given) == 1 else head[: head.rfind(": ")] if ": " in head else " · ".join(given[:3])
    return f"Infinitely wide ensemble{'s' if len(names) > 1 else ''}: {' · '.join(names[:4])}"


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
        "Losses assume q(y|z) = N(y; z, 1): they are in nats per example and include the constant ½ ln 2π of every "
        "output.",
        "I(X;Z|D) is held between two bounds that are valid on average over evaluation points; a single draw of points "
        "may lie outside, by about its standard error.",
    ]
    if any("decoder" in x["mi_target"].attrs for x in ensembles):
        how = list(dict.fromkeys(str(x["mi_target"].attrs.get("decoder", "a decoder")) for x in ensembles))
        told.append(
            f"I(Z;Y|D) is a lower value: H(Y) less the cross-entropy of one decoder ({', '.join(how)}). It may be "
            "negative, and noise of the evaluation points may lift it above I(X;Y)."
        )
    entropies = [float(x.attrs["entropy_target"]) for x in ensembles if "entropy_target" in x.attrs]
    if known := list(dict.fromkeys(number(entropy) for entropy in entropies if np.isfinite(entropy))):
        told.append(f"I(Z;Y|D) takes H(Y) as {' or '.join(known)} nats; an error of that shifts all its values.")
    if any("mi_output_data" in x for x in ensembles):
        told.append(
            "I(Z;D|X) and I(Θ;D) are divergences from the start for the data at hand; only their mean over data sets "
            "is an upper bound of the information."
        )
    if any("parameter_distance" in x for x in ensembles):
        told.append("Squared distances, actions and energies are four different things, and none is an information.")
    if any("mi_parameters_data" in x for x in ensembles):
        told.append(
            "A bound on the gap between training and test that follows from I(Θ;D) need not say anything: for a loss "
            "in [0, 1] PAC-Bayes, as commonly quoted, gives √((KL + ln(2√N/0.05)) / 2N), which above 1 is vacuous. The "
            "losses of this page are not bounded, so that it holds for none of their gaps."
        )
    return told


def cautions(dataset: xr.Dataset) -> list[str]:
    """One sentence for everything that gives cause; those that came with the results are last."""
    checks: list[Callable[[xr.Dataset], Iterator[str]]] = [
        _apart, _near_the_ceiling, _linearised, _vacuous, _conditions, _noted,
    ]  # fmt: skip
    found: list[str] = []
    for sentence in (sentence for check in checks for sentence in check(dataset)):
        if not any(sentence.split()[:5] == earlier.split()[:5] for earlier in found):  # noted and found here: once
            found.append(sentence)
    return found or ["Nothing stands out."]


def _apart(dataset: xr.Dataset) -> Iterator[str]:
    if "mi_input_lower" not in dataset:
        return
    apart = middle(over_data(dataset, "mi_input")) - middle(over_data(dataset, "mi_input_lower"))
    if (wide := apart > _APART).any():
        k = int(np.nanargmax(apart))
        yield (
            f"The bounds of I(X;Z|D) are more than {_APART} nats apart at {wide.sum()} of "
            f"{counted(len(apart), 'time')}, {number(float(apart[k]))} nats at τ = {_time(dataset, k)}: the bars in "
            "the plane are part of the answer."
        )


def _near_the_ceiling(dataset: xr.Dataset) -> Iterator[str]:
    ceiling = dataset.attrs.get("ceiling_mi_input")
    if "mi_input_lower" not in dataset or ceiling is None:
        return
    near = middle(over_data(dataset, "mi_input_lower")) > float(ceiling) - _NEAR
    if near.any():
        points = f"{dataset.attrs['n_test']:,} evaluation points" if "n_test" in dataset.attrs else "M points"
        yield (
            f"The lower bound of I(X;Z|D) is within 1 nat of ln M = {number(float(ceiling))} nats at {near.sum()} of "
            f"{counted(len(near), 'time')}. It can never exceed that with {points}; the truth may be far above."
        )


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
    what = "vacuous" if bound >= 1 else "below 1"
    yield (
        f"At the least Gibbs loss (τ = {_time(dataset, k)}) the divergence of the parameters is {short(divergence)} "
        f"nats, and PAC-Bayes gives {number(bound)}: {what}."
    )


def _conditions(dataset: xr.Dataset) -> Iterator[str]:
    attrs = dataset.attrs
    for name, kernel, least in (
        ("condition_tangent", "tangent kernel", ""),
        ("condition_covariance", "covariance kernel", "at least "),  # by the pivots of its Cholesky factor
    ):
        value = attrs.get(name)
        if value is not None and not float(value) < _ILL:
            yield f"The {kernel} is nearly singular: condition number {least}{float(value):.1e}."
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
