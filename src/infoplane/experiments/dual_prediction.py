"""The dual bottleneck's own promise: how well inputs held out are predicted, against the number of labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from . import prediction_scores as scores
from .base import Claim, Experiment, Run, Verdict
from .lossy_tables import joined
from .prediction_laws import KINDS
from .verdicts import Mean, all_of, mean_over_seeds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW, MANY = 3, 100  # labels a pattern: at most, at least
_SOURCE = "our protocol, after arXiv:2006.04641"
_FAIR = 0.05  # nats that I(X;T) of the patterns held out may differ where that of the training patterns is equal
_SHOWN = 0.4  # nats of I(X;T) at which figures compare

Cell = tuple[str, str, str]
"""(estimate, functional, score)."""


class DualPrediction(Experiment):
    """Held-out prediction through IB, the dual and the family dual at equal I(X;T).

    A draw makes a law p(y|x), n labels of every training pattern, and n of every pattern held out. The encoder is
    learned from the estimated law of the training patterns, all of one weight; a pattern held out is encoded by what
    its own labels say or, where features are given, by these alone. Its prediction is sum_t q(t|x) p(y|t), scored
    against its true law by exact expectation: log-loss and error beyond those of the law itself.

    - p(y|x) of "counts" are frequencies after adding a half to every count, the same for all functionals. "features
      found" cuts their logarithms to two directions; "features given" fits the statistics of known features (normal
      prior of precision 0.1). The dual on either is the family dual. IB on the same rows stands beside it, so that
      what the estimate does is not taken for what the dual does.
    - Laws: an exponential family; mixtures of three laws, which are none; unrelated laws; the 12-bit task's soft rule
      (gamma 0.1), its patterns drawn without return.
    - Laws p(y|t): along the chain T - X - Y ("mixed", IB's own); normalised geometric means ("geometric", the dual's
      own, tried with IB's clusters too); from the raw counts pooled in each cluster, a half added once ("pooled").
    - Everything is compared at equal I(X;T) of the training patterns; between certified solutions of a curve scores
      are linear in it, as those of an encoder are that uses either of two and tells which. Where a curve jumps, as with
      one label a pattern, most of it is of this kind. Differences are averaged over the rates that both sides reach.
    - Exponent: mean of KL(r_t || p(y|x)) with the functional's own laws r_t. That the paper's mean prediction-error
      exponent is this number is not verified.
    """

    name = "dual-prediction"
    title = "Prediction of inputs held out: IB, dual and family dual"
    source = _SOURCE
    unit = "repetitions"
    seeds = 20
    quick_seeds = 3

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        size = scores.QUICK if run.quick else scores.FULL
        pieces: list[xr.Dataset] = []
        for kind in KINDS:
            for seed in range(run.seeds):
                run.progress(kind, seed, run.seeds)
                piece = run.table(f"pieces/{kind}-{seed}", lambda kind=kind, seed=seed: scores.draw(kind, seed, size))
                pieces.append(piece.expand_dims(law=[kind], seed=[seed]))
        return {"scores": joined(pieces)}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        table = datasets["scores"]
        return [*_against_ib(table), *_exponents(table), *_families(table), _fair(table)]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        table = datasets["scores"]
        laws = [str(law) for law in table.law.values]
        above = "log-loss above the law's (nats)"
        return {
            "log-loss": plots.sample_panels({law: _levels(table, law) for law in laws}, above),
            "log-loss-differences": plots.sample_panels(
                {law: _differences(table, law, "log_loss") for law in laws}, "log-loss, dual less IB (nats)", zero=True
            ),
            "error-differences": plots.sample_panels(
                {law: _differences(table, law, "error") for law in laws}, "error, dual less IB", zero=True
            ),
            "exponents": plots.sample_panels({law: _exponent_lines(table, law) for law in laws}, "exponent (nats)"),
        }


def scores_of(table: xr.Dataset, cell: Cell) -> xr.DataArray:
    """(law, n, rate, seed) of one estimate and functional."""
    estimate, functional, score = cell
    return table[score].sel(estimate=estimate, functional=functional, drop=True)


def difference(table: xr.Dataset, one: Cell, other: Cell) -> xr.DataArray:
    """(law, n, seed) of one less the other, in each draw, averaged over the rates that both reach."""
    return (scores_of(table, one) - scores_of(table, other)).mean("rate")


def _means(values: xr.DataArray) -> dict[str, Mean]:
    """By law and number of labels, where there are any."""
    return {
        f"{law}, {_labels(float(n))}": mean_over_seeds(values.sel(law=law, n=n))
        for law in values.law.values
        for n in values.n.values
        if bool(values.sel(law=law, n=n).notnull().any())
    }


def _labels(n: float) -> str:
    return "law known" if math.isinf(n) else f"n = {n:g}"


def _lower(table: xr.Dataset, text: str, one: Cell, other: Cell, others: Mapping[str, tuple[Cell, Cell]]) -> Claim:
    """That a score of one lies under that of the other in every law and for every number of labels in the table.

    Args:
        table: laws and numbers of labels that the statement is about.
        text: the statement.
        one, other: what is compared.
        others: further differences, told and not decisive, by name.
    """
    found = _means(difference(table, one, other))
    told = {f"difference, {where}": str(mean) for where, mean in found.items()}
    for name, pair in others.items():
        told |= {f"{name}: {where}": str(mean) for where, mean in _means(difference(table, *pair)).items()}
    return Claim(text, all_of([mean.below(0.0) for mean in found.values()]), told, _SOURCE)


def _sides(table: xr.Dataset) -> list[tuple[xr.Dataset, str]]:
    """Few labels and many, and how they are called."""
    few, many = table.sel(n=table.n <= FEW), table.sel(n=table.n >= MANY)
    return [(few, f"at most {FEW} labels a pattern"), (many, f"{MANY} labels or more")]


def _pair(score: str, other: str | None = None) -> tuple[Cell, Cell]:
    """The dual and IB on counts."""
    return ("counts", "dual", score), ("counts", "IB", other or score)


def _against_ib(table: xr.Dataset) -> list[Claim]:
    """The dual and IB on the same smoothed counts."""
    claims: list[Claim] = []
    for some, labels in _sides(table):
        for score, word in (("log_loss", "log-loss"), ("error", "error")):
            others = {
                "laws pooled": _pair(f"{score}_pooled"),
                "at equal I(X;T) of the held out": _pair(f"{score}_mixed_at_held_out"),
            }
            text = f"With {labels} the dual predicts inputs held out better than IB in every law, by {word}."
            claims.append(_lower(some, text, *_pair(f"{score}_mixed"), others))
        others = {
            "IB through geometric laws too": _pair("log_loss_geometric"),
            "at equal I(X;T) of the held out": _pair("log_loss_geometric_at_held_out", "log_loss_mixed_at_held_out"),
        }
        text = f"With {labels} the dual through its own geometric laws has a lower log-loss than IB in every law."
        claims.append(_lower(some, text, *_pair("log_loss_geometric", "log_loss_mixed"), others))
    return claims


def _exponents(table: xr.Dataset) -> list[Claim]:
    """Each with its own laws."""
    claims: list[Claim] = []
    for some, labels, score, where in (
        (table, "any number of labels", "exponent_training", "the law it learns from"),
        *((some, labels, "exponent", "the true law of inputs held out") for some, labels in _sides(table)),
    ):
        others = {"IB through geometric laws too": _pair(f"{score}_geometric")}
        text = f"With {labels} the dual has the smaller mean prediction-error exponent on {where}, in every law."
        claims.append(_lower(some, text, *_pair(f"{score}_geometric", f"{score}_mixed"), others))
    return claims


def _families(table: xr.Dataset) -> list[Claim]:
    """What few features bring, and whether the dual has a part in it."""
    few = _sides(table)[0][0]
    of_a_family = few.sel(law=[law for law in few.law.values if law in ("family", "12-bit")])
    plain, given = ("counts", "dual", "log_loss_mixed"), ("features given", "dual", "log_loss_mixed")
    claims: list[Claim] = []
    for estimate, which, some in (
        ("features found", "two features found in the counts", few.sel(law=["family"])),
        ("features given", "features given, and no label of the input held out,", of_a_family),
    ):
        dual, ib = ((estimate, functional, "log_loss_mixed") for functional in ("dual", "IB"))
        text = (
            f"With at most {FEW} labels, where the law is of a family, the family dual with {which} has a lower "
            "log-loss than the dual on counts."
        )
        claims.append(_lower(some, text, dual, plain, {}))
        claims.append(_lower(some, f"There it also has a lower one than IB on the same {estimate}.", dual, ib, {}))
    text = f"With at most {FEW} labels features that make no family of the law (mixture) bring a lower log-loss, too."
    claims.append(_lower(few.sel(law=["mixture"]), text, given, plain, {}))
    return claims


def _fair(table: xr.Dataset) -> Claim:
    """That equal I(X;T) of training leaves no large difference in that of the inputs held out."""
    found = _means(difference(table, ("counts", "dual", "mi_held_out"), ("counts", "IB", "mi_held_out")))
    verdicts: list[Verdict] = [all_of([mean.below(_FAIR), mean.above(-_FAIR)]) for mean in found.values()]
    told: dict[str, float | str] = {f"dual less IB, nats: {where}": str(mean) for where, mean in found.items()}
    told["largest certified gap of a solution, nats"] = float(table["gap"].max())
    text = f"Where I(X;T) of training is equal, that of inputs held out is equal to {_FAIR} nats (counts)."
    return Claim(text, all_of(verdicts), told, _SOURCE)


_LEVELS: dict[str, Cell] = {
    "IB": ("counts", "IB", "log_loss_mixed"),
    "dual": ("counts", "dual", "log_loss_mixed"),
    "IB, geometric laws": ("counts", "IB", "log_loss_geometric"),
    "dual, geometric laws": ("counts", "dual", "log_loss_geometric"),
    "family dual, features found": ("features found", "dual", "log_loss_mixed"),
    "family dual, features given": ("features given", "dual", "log_loss_mixed"),
}


def _levels(table: xr.Dataset, law: str) -> dict[str, xr.DataArray]:
    """Log-losses at one rate, and without a bottleneck."""
    some = table.sel(law=law)
    lines = {name: scores_of(some, cell).sel(rate=_SHOWN, drop=True) for name, cell in _LEVELS.items()}
    lines["no bottleneck: counts"] = some["log_loss_whole"].sel(estimate="counts", drop=True)
    return _measured(lines)


def _differences(table: xr.Dataset, law: str, score: str) -> dict[str, xr.DataArray]:
    some = table.sel(law=law)
    pairs = {
        "counts": _pair(f"{score}_mixed"),
        "counts, laws pooled": _pair(f"{score}_pooled"),
        "counts, dual's laws geometric": _pair(f"{score}_geometric", f"{score}_mixed"),
        "counts, all laws geometric": _pair(f"{score}_geometric"),
    }
    for estimate in ("features found", "features given"):
        pairs[estimate] = ((estimate, "dual", f"{score}_mixed"), (estimate, "IB", f"{score}_mixed"))
    return _measured({name: difference(some, *pair) for name, pair in pairs.items()})


def _exponent_lines(table: xr.Dataset, law: str) -> dict[str, xr.DataArray]:
    some = table.sel(law=law, rate=_SHOWN)
    laws = {"IB": "mixed", "dual": "geometric"}
    return {
        f"{functional}, {where}": scores_of(some, ("counts", functional, f"{score}_{own}"))
        for where, score in (("held out", "exponent"), ("training", "exponent_training"))
        for functional, own in laws.items()
    }


def _measured(lines: dict[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    return {name: values for name, values in lines.items() if bool(values.notnull().any())}
