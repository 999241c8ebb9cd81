"""What the experiment ``layer-measures`` states, and how its numbers decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from .base import Claim, Verdict
from .resampled import bootstrapped, rank_correlation
from .verdicts import BITS, SLIGHT, Mean, all_of, compresses, compression, hidden, last_hidden, mean_over_seeds

_SATURATION = "Saxe et al. 2018, On the information bottleneck theory of deep learning"
_OURS = "our test"
_TOGETHER = -0.5  # rank correlation from which on two paths count as opposite; our choice
_A_TENTH = 0.9
_LABEL = 0.01  # bits of label information that count; our choice
_LEAST = 5  # checkpoints for a rank correlation
_RESOLVED = 1.0  # noise up to which compression is asked for: half the range of tanh


def layer_claims(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All claims, from planes "tanh-hard" and so on, their "-measures", and the sweeps "tanh-noise", "relu-noise"."""
    return [
        *_saturation(datasets),
        _weights(datasets),
        *_codes(datasets),
        *(_forgotten(datasets, rule) for rule in ("hard", "soft")),
        *(_learned(datasets, rule) for rule in ("hard", "soft")),
        _lost_again(datasets),
        *_noise(datasets),
    ]


def rise(values: xr.DataArray) -> xr.DataArray:
    """(seed, ...) last less first checkpoint."""
    return values.isel(epoch=-1, drop=True) - values.isel(epoch=0, drop=True)


def since_maximum(plane: xr.Dataset, values: xr.DataArray, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """(seed,) numbers of a layer at each network's maximum of H(T), and at the last checkpoint."""
    path = values.sel(layer=layer)
    peak = plane.epoch_of_maximum.sel(layer=layer)
    first = path.where(path.epoch == peak).max("epoch")
    return first.transpose("seed").to_numpy(), path.isel(epoch=-1).transpose("seed").to_numpy()


def _saturation(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    plane, measures = datasets["tanh-hard"], datasets["tanh-hard-measures"]
    layer, share = last_hidden(plane), measures.end_share
    grows = {name: mean_over_seeds(rise(share.sel(layer=name))) for name in hidden(plane)}
    before, after = since_maximum(plane, share, layer)
    gain = mean_over_seeds(after - before)
    together = mean_over_seeds(_after_maximum(plane, share, layer))
    falls, gains = plane.compression.sel(layer=layer).to_numpy(), after - before
    across = bootstrapped(lambda chosen: rank_correlation(falls[chosen], gains[chosen]), len(falls))
    zeros = {
        name: mean_over_seeds(rise(datasets["relu-hard-measures"].end_share.sel(layer=name))) for name in hidden(plane)
    }
    return [
        Claim(
            "tanh: the share of saturated activations (beyond 0.9) grows in every hidden layer.",
            all_of([mean.above(0.0) for mean in grows.values()]),
            {f"{name}: growth of the share": str(mean) for name, mean in grows.items()},
            f"our reading of {_SATURATION}",
        ),
        Claim(
            f"tanh: {layer} saturates as it compresses: from its maximum of H(T) on, the share rises as H(T) falls.",
            all_of([compresses(plane, layer), gain.above(0.0), together.below(_TOGETHER)]),
            {
                "fall of H(T), bits": str(compression(plane, layer)),
                "rise of the share": str(gain),
                "rank correlation over checkpoints": str(together),
            },
            _SATURATION,
        ),
        Claim(
            f"tanh: networks whose {layer} compresses more are those in which it saturates more.",
            across.above(0.0),
            {"rank correlation over networks": str(across)},
            _OURS,
        ),
        Claim(
            "relu: the share of activations that are exactly 0 grows in every hidden layer.",
            all_of([mean.above(0.0) for mean in zeros.values()]),
            {f"{name}: growth of the share": str(mean) for name, mean in zeros.items()},
            _OURS,
        ),
    ]


def _after_maximum(plane: xr.Dataset, values: xr.DataArray, layer: str) -> np.ndarray:
    """(seed,) rank correlation of a measure with H(T) from the maximum of H(T) on; nan where few checkpoints remain."""
    information = plane.mi_input.sel(layer=layer).transpose("seed", "epoch").to_numpy()
    other = values.sel(layer=layer).transpose("seed", "epoch").to_numpy()
    peaks = plane.epoch_of_maximum.sel(layer=layer).to_numpy()
    found = []
    for one, two, peak in zip(information, other, peaks, strict=True):
        late = plane.epoch.to_numpy() >= peak
        found.append(float(rank_correlation(one[late], two[late])) if late.sum() >= _LEAST else np.nan)
    return np.array(found)


def _weights(datasets: Mapping[str, xr.Dataset]) -> Claim:
    numbers, verdicts = {}, []
    for activation in ("tanh", "relu"):
        norm = datasets[f"{activation}-hard-measures"].weight_norm
        factor = norm.isel(epoch=-1, drop=True) / norm.isel(epoch=0, drop=True)
        for name in factor.layer.values:
            mean = mean_over_seeds(factor.sel(layer=name))
            verdicts.append(mean.above(1.0))
            numbers[f"{activation}, {name}: factor"] = str(mean)
    return Claim("The norm of the weights grows in every layer, tanh and relu alike.", all_of(verdicts), numbers, _OURS)


def _codes(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    found = []
    for activation in ("tanh", "relu"):
        plane, codes = datasets[f"{activation}-hard"], datasets[f"{activation}-hard-measures"].n_codes
        seen = [name for name in hidden(plane) if compresses(plane, name) == "holds"]
        ratios = {}
        for name in seen:
            before, after = since_maximum(plane, codes, name)
            ratios[name] = mean_over_seeds(after / before)
        found.append(
            Claim(
                f"{activation}: where a hidden layer compresses, it also ends with fewer distinct codes, by a tenth or "
                "more, than at its maximum of H(T).",
                all_of([mean.below(_A_TENTH) for mean in ratios.values()]),
                {"layers that compress": ", ".join(seen) or "none"}
                | {f"{name}: codes at the end / at the maximum": str(mean) for name, mean in ratios.items()},
                _OURS,
            )
        )
    return found


def _forgotten(datasets: Mapping[str, xr.Dataset], rule: str) -> Claim:
    plane, measures = datasets[f"tanh-{rule}"], datasets[f"tanh-{rule}-measures"]
    layer = last_hidden(plane)
    of_input, of_label = (_change(plane, measures[name], layer) for name in ("equivocation", "label_divergence"))
    return Claim(
        f"tanh, {rule} rule: what {layer} forgets from its maximum of H(T) on is not the label: H(X|T) rises by more "
        f"than {SLIGHT:g} bits and E KL[p(y|x) || p(y|t)] by less than {_LABEL:g}.",
        all_of([of_input.above(SLIGHT), of_label.below(_LABEL)]),
        {"rise of H(X|T), bits": str(of_input), "rise of E KL, bits": str(of_label)},
        "our reading of the compression phase of arXiv:1703.00810",
    )


def _change(plane: xr.Dataset, values: xr.DataArray, layer: str) -> Mean:
    before, after = since_maximum(plane, values, layer)
    return mean_over_seeds((after - before) * BITS)


def _learned(datasets: Mapping[str, xr.Dataset], rule: str) -> Claim:
    numbers, verdicts = {}, []
    for activation in ("tanh", "relu"):
        plane, missed = datasets[f"{activation}-{rule}"], datasets[f"{activation}-{rule}-measures"].label_divergence
        for name in hidden(plane):
            path = missed.sel(layer=name) * BITS
            first, change = mean_over_seeds(path.isel(epoch=0)), mean_over_seeds(rise(path))
            if first.value > _LABEL:
                verdicts.append(change.below(0.0))
                numbers[f"{activation}, {name}: at first, change, bits"] = f"{first.value:.3g}, {change}"
    return Claim(
        f"{rule} rule: training lowers E KL[p(y|x) || p(y|t)] in every hidden layer that misses more than "
        f"{_LABEL:g} bits at first, tanh and relu.",
        all_of(verdicts),
        numbers,
        "our reading of the fitting phase of arXiv:1703.00810",
    )


def _lost_again(datasets: Mapping[str, xr.Dataset]) -> Claim:
    numbers, verdicts = {}, []
    for activation in ("tanh", "relu"):
        missed = datasets[f"{activation}-soft-measures"].label_divergence
        layer = last_hidden(datasets[f"{activation}-soft"])
        path = missed.sel(layer=layer) * BITS
        again = mean_over_seeds(path.isel(epoch=-1) - path.min("epoch"))
        verdicts.append(again.above(_LABEL))
        numbers[f"{activation}, {layer}: above its least, bits"] = str(again)
    return Claim(
        "soft rule: fitted to labels drawn once, the last hidden layer loses label information again: E KL[p(y|x) || "
        f"p(y|t)] ends more than {_LABEL:g} bits above its least, tanh and relu.",
        all_of(verdicts),
        numbers,
        _OURS,
    )


def _noise(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    found = []
    for activation, expected in (("tanh", True), ("relu", False)):
        sweep = datasets[f"{activation}-noise"]
        layer = str(sweep.layer.values[-1])
        upper, lower = (sweep[f"mi_input_{end}"].sel(layer=layer) * BITS for end in ("upper", "lower"))
        falls = {
            f"sigma {float(s):.3g}: fall, bits": mean_over_seeds(
                upper.sel(sigma=s).max("epoch") - upper.sel(sigma=s).isel(epoch=-1)
            )
            for s in sweep.sigma.values
            if s <= _RESOLVED
        }
        text = (
            f"{activation}: {layer} compresses at every noise from {sweep.sigma.values[0]:.3g} to {_RESOLVED:g}: the "
            if expected
            else f"{activation}: {layer} compresses at no noise up to {_RESOLVED:g}: the "
        )
        verdicts: list[Verdict] = [m.above(SLIGHT) if expected else m.below(SLIGHT) for m in falls.values()]
        more = "more" if expected else "less"
        found.append(
            Claim(
                f"{text}upper bound on I(X; T + noise) falls by {more} than {SLIGHT:g} bits after its maximum.",
                all_of(verdicts),
                {name: str(mean) for name, mean in falls.items()},
                _OURS,
            )
        )
        sure = (lower.max("epoch") - upper.isel(epoch=-1)).max("sigma")
        mean = mean_over_seeds(sure)
        numbers = {
            "largest lower bound less the last upper one, bits": str(mean),
            "share of networks in which it is positive": f"{float((sure > 0).mean()):.2g}",
        }
        if expected:
            found.append(
                Claim(
                    f"{activation}: compression of {layer} is certain at some noise: a lower bound on I(X; T + noise) "
                    "at an earlier checkpoint exceeds the upper bound at the last.",
                    mean.above(0.0),
                    numbers,
                    "derived from arXiv:1706.02419",
                )
            )
    return found
