"""Trained models in words: what they are, and what to beware of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from .tables import number
from .variational_values import Line, beta_text, ended, spread
from .words import counted

_FURTHER = 0.1  # nats by which I(Z;Y) may differ between training and test samples without a word
_SIGMAS = 4.0  # errors by which I(Z;Y) must exceed I(X;Z) to be called impossible


def page_title(datasets: Sequence[xr.Dataset], found: Sequence[Line]) -> str:
    """The titles of the datasets, where they have any, else the objectives."""
    given = list(dict.fromkeys(str(x.attrs["title"]) for x in datasets if x.attrs.get("title")))
    names = list(dict.fromkeys(line.objective for line in found))
    return " · ".join(given[:3]) or f"Networks trained for the bottleneck: {' · '.join(names[:4])}"


def lead(datasets: Sequence[xr.Dataset], found: Sequence[Line], curves: int) -> list[str]:
    """The paragraph above the sections, sentence by sentence."""
    models = sum(int(ended(line)["mi_target"].notnull().any("split").sum()) for line in found)
    told = [
        f"{counted(models, 'network')} trained for the information bottleneck: an encoder draws Z at every input X, "
        "a classifier tells the label Y from Z, and β multiplies I(Z;Y) against the rate.",
        *dict.fromkeys(_made(dataset) for dataset in datasets),
    ]
    if curves:
        told.append(f"The optimum in the plane comes from {counted(curves, 'bottleneck curve')}.")
    return [sentence for sentence in told if sentence]


def _made(dataset: xr.Dataset) -> str:
    attrs = dataset.attrs
    told = [f"encoder {attrs['encoder']}"] if "encoder" in attrs else []
    told += [counted(int(attrs["latent"]), "latent variable")] if "latent" in attrs else []
    told += [f"{attrs['n_train']:,} training samples"] if "n_train" in attrs else []
    told += [f"{attrs['n_test']:,} test samples"] if "n_test" in attrs else []
    told += [counted(int(attrs["epochs"]), "epoch")] if "epochs" in attrs else []
    text = ", ".join([*told, counted(dataset.sizes["seed"], "seed")])
    return f"{text[:1].upper()}{text[1:]}."


def errors(found: Sequence[Line]) -> str:
    """What the bars and the numbers behind ± are."""
    several = [line.dataset.sizes["seed"] > 1 for line in found]
    if all(several):
        return "errors are the standard deviation over seeds"
    if any(several):
        return "errors are the standard deviation over seeds, of one seed the standard error over samples"
    return "errors are the standard error over samples, as there is one seed"


def beware(datasets: Sequence[xr.Dataset], found: Sequence[Line]) -> list[str]:
    """What holds for every model of the page."""
    objectives = " ".join(line.objective for line in found)
    told = [
        "I(X;Z) is an upper bound, the smaller of two rates: with the objective's own marginal, and with the mixture "
        "of the classes' laws b(z|y). I(Z;Y) is a lower bound, H(Y) less the smaller distortion of the classifier and "
        "of a read-out trained by cross-entropy. So the truth lies above a mark and to its left, up to sampling.",
        "The conditional rate bounds I(X;Z|Y) = I(X;Z) − I(Z;Y) from above. It is no bound of I(X;Z), and may well be "
        "smaller than I(Z;Y).",
        _draws(datasets),
        "H(Y) is the entropy of the labels at hand, not ln of the number of classes.",
        "On training samples I(Z;Y) is that of those samples, which the classifier has seen; the test samples tell "
        "what holds for new ones.",
    ]
    if "DualVIB" in objectives:
        told.append(
            "The classifier of a DualVIB is trained towards a noise model of the labels. It is not p(y|z), so that its "
            "own H(Y) − D is a loose bound; I(Z;Y) is then that of the read-out, and accuracy and calibration are the "
            "classifier's."
        )
    if "NonlinearIB" in objectives:
        told.append("The kernel bound that NonlinearIB minimises cannot exceed ln of the batch's size.")
    if "CrossEntropy" in objectives:
        told.append("CrossEntropy has no noise: its rates are infinite, and it stands in no plane.")
    return [sentence for sentence in told if sentence]


def _draws(datasets: Sequence[xr.Dataset]) -> str:
    counts = sorted({int(x.attrs["test_draws"]) for x in datasets if "test_draws" in x.attrs})
    if not counts:
        return ""
    if counts == [1]:
        return "Every number is from one draw of Z a sample; with several draws averaged the accuracy would be higher."
    several = " or ".join(map(str, counts))
    return (
        f"Distortion and rates are means over {several} draws of Z a sample; accuracy and calibration are those of "
        "probabilities averaged over these draws, which one draw would not reach."
    )


def cautions(found: Sequence[Line], dataset: xr.Dataset) -> list[str]:
    """One sentence for everything in the objectives of one dataset that gives cause."""
    checks: list[Callable[[Line], Iterator[str]]] = [_missing, _impossible, _seen, _early]
    told = [sentence for line in found for check in checks for sentence in check(line)]
    if dataset.sizes["seed"] == 1:
        told.append("One seed only: how much another start would change is not known.")
    try:
        notes = json.loads(str(dataset.attrs.get("notes", "[]")))
    except ValueError:
        notes = [str(dataset.attrs["notes"])]
    told += [f"{note} (Noted by the computation.)" for note in (notes if isinstance(notes, list) else [notes])]
    return told or ["Nothing stands out."]


def _missing(line: Line) -> Iterator[str]:
    have = line.dataset["mi_target"].notnull().any(("split", "epoch")).to_numpy()
    if lost := int((~have).sum()):
        yield f"{line.objective}: {counted(lost, 'model')} of {have.size} without numbers, left out of means."


def _impossible(line: Line) -> Iterator[str]:
    """I(Z;Y) cannot exceed I(X;Z): by more than sampling, it shows a mistake."""
    last = ended(line)
    for part in map(str, last["split"].to_numpy()):
        (x, dx), (y, dy) = (spread(last, name, part) for name in ("mi_input", "mi_target"))
        over = y - x > _SIGMAS * np.nan_to_num(dx + dy) + 1e-6
        for beta in last["beta"].to_numpy()[over]:
            yield (
                f"{line.objective}, β = {beta_text(float(beta))}, {part}: I(Z;Y) exceeds I(X;Z) by more than "
                f"{_SIGMAS:g} errors, which no representation allows."
            )


def _seen(line: Line) -> Iterator[str]:
    last = ended(line)
    if not {"train", "test"} <= set(last["split"].to_numpy().tolist()):
        return
    train, test = (spread(last, "mi_target", part)[0] for part in ("train", "test"))
    apart = np.where(np.isfinite(train - test), train - test, 0.0)
    if (wide := apart > _FURTHER).any():
        k = int(apart.argmax())
        yield (
            f"{line.objective}: I(Z;Y) is more than {_FURTHER} nats higher on training than on test samples at "
            f"{wide.sum()} of {counted(len(apart), 'trade-off')}, {number(float(apart[k]))} nats at "
            f"β = {beta_text(float(last['beta'][k]))}."
        )


def _early(line: Line) -> Iterator[str]:
    if "best_epoch" not in line.dataset:
        return
    best = line.dataset["best_epoch"].to_numpy()
    best = best[np.isfinite(best)]
    if len(best):
        first, last = int(best.min()), int(best.max())
        when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
        yield (
            f"{line.objective}: the models kept are those of their best epoch ({when}), chosen on samples held out of "
            "training."
        )
