"""What ``random-labels`` says: which quantities see that labels are random, and which rank them as the gap does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..infinite import bounds
from .base import Claim
from .random_labels_ranks import GAP, LATE, MIDDLE, QUANTITIES, Shares, at, pooled_rank, ranks_of
from .verdicts import Verdict, all_of, mean_over_seeds

OURS = "derived; our own test"
MEASURED = "our own test"
IDENTITY = "identity; checks the code"
OF_KERNELS = ("fisher_trace", "effective_dimension", "modes_learned", "mi_parameters_data_volume")
_LEARNED = 0.01  # nats an example above the least possible training loss
_NEAR = 0.1  # nats of training loss above its end: when most is learned
_SAME = 1e-9  # relative: rounding
_CLOSE = 0.01  # relative change of the action that is none
_TELLS = 0.9  # rank correlation
_VACUOUS = 10.0  # times the gap


def claims(nets: Mapping[str, Shares]) -> list[Claim]:
    """Of ensembles by activation and share of random labels."""
    return [
        _all_learn(nets),
        _kernels_see_nothing(nets),
        _ordered(
            nets,
            "mi_target",
            -1,
            "The lower bound of I(Z;Y|D), Y being the true label, falls late in training with every larger share of "
            "random labels.",
        ),
        _ordered(
            nets,
            GAP,
            1,
            "The gap between test and training loss, with test labels drawn anew at the same share as training labels, "
            "rises with every larger share.",
        ),
        _slower(nets),
        _same_action(nets),
        _ordered(nets, "fisher_energy", -1, "The Fisher energy of the path falls with every larger share."),
        _ordered(nets, "parameter_distance", 1, "E|theta - theta_0|^2 at the end rises with every larger share."),
        _early(nets),
        _keeps_input(nets),
        _ordered(nets, "mi_output_data", -1, "The bound of I(Z;D|X) at test points falls with every larger share."),
        _ranks(nets, "parameter_distance", 1),
        _ranks(nets, "mi_target", -1),
        _ranks(nets, "mi_input", 1),
        _parameters_bound(nets),
        _input_bound(nets),
    ]


def _steps(values: np.ndarray, sign: int) -> Verdict:
    """Whether (seed, share) values go one way from every share to the next."""
    return all_of(
        [mean_over_seeds(sign * (values[:, k + 1] - values[:, k])).above(0.0) for k in range(values.shape[1] - 1)]
    )


def _row(shares: Shares, values: np.ndarray) -> str:
    return "; ".join(f"{share:.0%}: {mean_over_seeds(values[:, k])}" for k, share in enumerate(shares))


def _ordered(nets: Mapping[str, Shares], name: str, sign: int, text: str) -> Claim:
    found = {net: at(shares, name) for net, shares in nets.items()}
    numbers: dict[str, float | str] = {}
    for net, values in found.items():
        numbers[f"{net}: late, by share"] = _row(nets[net], values)
        steps = np.diff(values, axis=1).T
        numbers[f"{net}: steps from share to share"] = "; ".join(str(mean_over_seeds(step)) for step in steps)
    return Claim(text, all_of([_steps(one, sign) for one in found.values()]), numbers, MEASURED)


def _excess(one: xr.Dataset) -> np.ndarray:
    """(seed, time) training loss above the least possible, nats an example."""
    least = 0.5 * float(one.attrs["outputs"]) * np.log(2.0 * np.pi)
    return one["loss_gibbs_train"].transpose("seed", "time").to_numpy() - least


def _all_learn(nets: Mapping[str, Shares]) -> Claim:
    found = {net: np.stack([_excess(one)[:, -1] for one in shares.values()], 1) for net, shares in nets.items()}
    verdicts: list[Verdict] = [
        mean_over_seeds(column).below(_LEARNED) for values in found.values() for column in values.T
    ]
    return Claim(
        f"Random labels are learned as completely as true ones: the training loss ends within {_LEARNED:g} nats an "
        "example of the least possible.",
        all_of(verdicts),
        {f"{net}: excess at the end, largest, nats": float(values.max()) for net, values in found.items()},
        MEASURED,
    )


def _kernels_see_nothing(nets: Mapping[str, Shares]) -> Claim:
    numbers: dict[str, float | str] = {}
    worst = 0.0
    for net, shares in nets.items():
        for name in OF_KERNELS:
            values = np.stack([one[name].to_numpy() for one in shares.values()])
            change = float((np.ptp(values, axis=0) / np.maximum(np.abs(values).max(axis=0), 1e-300)).max())
            worst = max(worst, change)
            numbers[f"{net}: {QUANTITIES[name]}, largest relative difference between shares"] = change
    return Claim(
        "The trace of the Fisher information, the effective dimension, the modes learned and the volume term of "
        "the bound of I(Theta;D) are the same at every time whatever the labels, as the kernels are.",
        "holds" if worst < _SAME else "fails",
        numbers,
        IDENTITY,
    )


def _slower(nets: Mapping[str, Shares]) -> Claim:
    """By the time at which the training loss is near its end, between the times of the grid by straight lines."""
    found = {net: np.stack([_log_time(one) for one in shares.values()], 1) for net, shares in nets.items()}
    return Claim(
        f"Random labels take longer: the training loss comes within {_NEAR:g} nats of its end later with every larger "
        "share.",
        all_of([_steps(values, 1) for values in found.values()]),
        {f"{net}: log10 of the time, by share": _row(nets[net], values) for net, values in found.items()},
        MEASURED,
    )


def _log_time(one: xr.Dataset) -> np.ndarray:
    log_times = np.log10(one["time"].to_numpy())
    excess = _excess(one)
    return np.array([np.interp(-_NEAR, -(row - row[-1]), log_times) for row in excess])


def _same_action(nets: Mapping[str, Shares]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, shares in nets.items():
        values = at(shares, "action")
        change = mean_over_seeds(np.ptp(values, axis=1) / values.mean(axis=1))
        verdicts.append(change.below(_CLOSE))
        numbers[f"{net}: largest relative difference between shares"] = str(change)
    return Claim(
        "The action ends the same for every share: it is the fall of the training loss, and one-hot targets all have "
        "the same length.",
        all_of(verdicts),
        numbers,
        IDENTITY,
    )


def _early(nets: Mapping[str, Shares]) -> Claim:
    found = {}
    for net, shares in nets.items():
        found[net] = np.stack([one["parameter_distance"].isel(time=0).to_numpy() for one in shares.values()], 1)
    numbers: dict[str, float | str] = {}
    for net, values in found.items():
        numbers[f"{net}: at the first time, of true labels"] = str(mean_over_seeds(values[:, 0]))
        parts = (values[:, 1:] / values[:, :1] - 1.0).T
        numbers[f"{net}: relative to it, by share"] = "; ".join(str(mean_over_seeds(part)) for part in parts)
    return Claim(
        "Early in training it is the other way round: at the first time E|theta - theta_0|^2 falls with every larger "
        "share. It is then the sum of squared residuals of the modes, each times its eigenvalue, times the squared "
        "time: true labels lie more along the modes that are learned first.",
        all_of([_steps(values, -1) for values in found.values()]),
        numbers,
        OURS,
    )


def _keeps_input(nets: Mapping[str, Shares]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, shares in nets.items():
        inputs, target = at(shares, "mi_input_lower"), at(shares, "mi_target")
        most = at(shares, "mi_input")
        kept = mean_over_seeds(inputs[:, -1] / most[:, 0])
        verdicts.extend((kept.above(0.5), mean_over_seeds(target[:, -1] / target[:, 0]).below(0.1)))
        numbers[f"{net}: I(X;Z|D), lower, by share, nats"] = _row(shares, inputs)
        numbers[f"{net}: I(X;Z|D), upper, by share, nats"] = _row(shares, most)
        numbers[f"{net}: I(X;Z|D), lower, of all labels random over upper of true ones"] = str(kept)
        numbers[f"{net}: I(Z;Y|D), lower, by share, nats"] = _row(shares, target)
    return Claim(
        "With all labels random the lower bound of I(X;Z|D) is more than half of the upper bound with true labels, and "
        "what a softmax of the outputs tells of the true label, a lower bound of I(Z;Y|D), less than a tenth.",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _ranks(nets: Mapping[str, Shares], name: str, sign: int) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, shares in nets.items():
        found = ranks_of(shares, [LATE])["correlation"].sel(along=LATE)
        verdicts.append(mean_over_seeds(sign * found.sel(quantity=name).to_numpy()).above(_TELLS))
        numbers[f"{net}: within repetitions"] = str(mean_over_seeds(found.sel(quantity=name).to_numpy()))
        numbers[f"{net}: over all shares and repetitions"] = str(pooled_rank(shares, name))
        others = [
            other for other in found["quantity"].to_numpy() if abs(float(found.sel(quantity=other).mean())) > _TELLS
        ]
        numbers[f"{net}: all beyond {_TELLS:g} either way"] = ", ".join(QUANTITIES[other].strip() for other in others)
    direction = "as" if sign > 0 else "inversely to"
    return Claim(
        f"{_IN_WORDS[name]} ranks the shares {direction} the gap late in training (rank correlation within repetitions "
        f"beyond {_TELLS:g}, in both networks){_CAUTION.get(name, '')}.",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


_IN_WORDS = {
    "parameter_distance": "E|theta - theta_0|^2",
    "mi_target": "The lower bound of I(Z;Y|D)",
    "mi_input": "I(X;Z|D), by its upper bound,",
}
_CAUTION = {"mi_target": "; nearly by construction: both score the same outputs at the same test points"}


def _parameters_bound(nets: Mapping[str, Shares]) -> Claim:
    """Only where I(Theta;D) is bounded: smooth activations. The squared loss is not sub-Gaussian; sigma is 1."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, shares in nets.items():
        if not all("mi_parameters_data" in one for one in shares.values()):
            continue
        n = int(next(iter(shares.values())).attrs["n_train"])
        for when in (MIDDLE, LATE):
            information, gap = at(shares, "mi_parameters_data", when), at(shares, GAP, when)
            bound = bounds.sub_gaussian_gap(information, n)
            least = mean_over_seeds((bound / np.abs(gap)).min(axis=1))
            rise, gap_rise = (mean_over_seeds(values[:, -1] / values[:, 0] - 1.0) for values in (bound, gap))
            if when == LATE:
                verdicts.extend((least.above(_VACUOUS), rise.above(-_CLOSE), rise.below(_CLOSE)))
            numbers[f"{net}, {when}: least bound over gap"] = str(least)
            numbers[f"{net}, {when}: relative change from true to random labels, bound and gap"] = f"{rise}; {gap_rise}"
            pac = bounds.pac_bayes_gap(information, n).min()
            numbers[f"{net}, {when}: least PAC-Bayes value, of a loss that is 1 at most"] = float(pac)
    return Claim(
        f"Late in training the bound through I(Theta;D) exceeds the gap more than {_VACUOUS:g} times, and changes by "
        f"less than {_CLOSE:.0%} from true to random labels: its volume term does not know the labels (erf; the KL of "
        "each data set for I(Theta;D); for a 1-sub-Gaussian loss, which the squared loss is not; form of the bound "
        "unverified).",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _input_bound(nets: Mapping[str, Shares]) -> Claim:
    """Against the error of the mean output: training points are all right late, so test error is its gap.

    Of test labels drawn anew with the share s a true answer is right with probability 1 - 0.9 s, a wrong one with s/10.
    """
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, shares in nets.items():
        n = int(next(iter(shares.values())).attrs["n_train"])
        value = bounds.input_compression_gap(at(shares, "mi_input"), n)
        drawn = np.array(list(shares))
        error = (1.0 - drawn) * (1.0 - at(shares, "accuracy")) + 0.9 * drawn
        verdicts.append(mean_over_seeds(value[:, -1] - error[:, -1]).below(0.0))
        numbers[f"{net}: value of the bound, by share"] = _row(shares, value)
        numbers[f"{net}: expected test error of the mean output, test labels drawn anew alike, by share"] = _row(
            shares, error
        )
        falls = [mean_over_seeds(value[:, b] - value[:, a]) for a, b in itertools.pairwise(range(len(shares)))]
        numbers[f"{net}: its change from share to share"] = "; ".join(str(one) for one in falls)
    return Claim(
        "What a bound by compression of the input would allow, from I(X;Z|D) at test points, is less than the error "
        "gap of ensembles on random labels: it is no bound for outputs that were learned from the data (form "
        "unverified).",
        all_of(verdicts),
        numbers,
        MEASURED,
    )
