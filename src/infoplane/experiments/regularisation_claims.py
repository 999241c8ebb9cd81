"""What the experiment regularisation says of its planes: saturation, spread over networks, L2, generalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from .base import Claim, Verdict
from .resampled import bootstrapped, rank_correlation
from .verdicts import (
    BITS,
    Mean,
    all_of,
    any_of,
    compresses,
    compression,
    excess_compression,
    hidden,
    last_hidden,
    mean_over_seeds,
    opposite,
)

Settings = Mapping[str, tuple[xr.Dataset, xr.Dataset]]
"""Planes of networks without and with L2, by activation."""

_SATURATING = ("tanh",)  # on both sides; the others grow without bound on one side at least
_LEARNED = 0.6  # test accuracy; always the same answer has 0.517


def regularisation_claims(planes: Mapping[str, Settings], source: str) -> list[Claim]:
    """The claims.

    Args:
        planes: by estimator, the first being the one that claims go by unless they name another.
        source: of those statements that are the paper's.
    """
    found = []
    for kind, settings in planes.items():
        found += _without_saturation(kind, settings, source)
    kind, settings = next(iter(planes.items()))
    found.append(_varies(kind, settings, source))
    for kind, settings in planes.items():
        found += _l2_compresses(kind, settings, source)
    found += _l2_against_overfitting(settings, source)
    for kind, settings in planes.items():
        for l2 in (False, True):
            found += _generalisation(kind, settings, l2, source)
    return found


def _without_saturation(kind: str, settings: Settings, source: str) -> list[Claim]:
    """Some, and every, activation that does not saturate on both sides."""
    shown = {name: plain for name, (plain, _) in settings.items() if name not in _SATURATING}
    layer = last_hidden(next(iter(shown.values())))
    seen: list[Verdict] = [compresses(plane, layer) for plane in shown.values()]
    numbers = {
        f"{name}: fall, and above shuffled steps, bits": f"{compression(p, layer)}, {excess_compression(p, layer)}"
        for name, p in shown.items()
    }
    return [
        Claim(
            f"Compression needs no saturation: {layer} compresses with some unbounded activation ({kind}).",
            any_of(seen),
            numbers,
            source,
        ),
        Claim(
            f"{layer} compresses with every unbounded activation ({kind}).",
            all_of(seen),
            numbers,
            "our stricter reading of arXiv:1902.09037",
        ),
    ]


def _varies(kind: str, settings: Settings, source: str) -> Claim:
    """Whether networks of one activation differ more than the activations do in the mean."""
    layer = last_hidden(next(iter(settings.values()))[0])
    falls = np.stack([_falls(plain, layer) for plain, _ in settings.values()])

    def ratio(chosen: np.ndarray) -> np.ndarray:
        each = falls[:, chosen]  # (activation, resample, network)
        between = each.mean(axis=-1).std(axis=0, ddof=1)
        within = np.sqrt(each.var(axis=-1, ddof=1).mean(axis=0))
        return np.divide(within, between, out=np.full(len(chosen), np.nan), where=between > 0)

    spread = bootstrapped(ratio, falls.shape[1])
    return Claim(
        f"Compression varies much between initialisations: the fall of {layer} differs more between networks of one "
        f"activation than between the activations' means ({kind}, no L2).",
        spread.above(1.0),
        {"standard deviation within / between activations": str(spread)}
        | {
            f"{name}: fall, mean, deviation, least and most, bits": f"{row.mean():.3g}, {row.std(ddof=1):.3g}, "
            f"{row.min():.3g}, {row.max():.3g}"
            for name, row in zip(settings, falls, strict=True)
        },
        f"our reading of {source}; networks differ in their training sample too",
    )


def _l2_compresses(kind: str, settings: Settings, source: str) -> list[Claim]:
    """Whether the same networks compress more with L2, by differences within pairs of one seed.

    A network whose weights have gone to 0 forgets everything, so the last claim is of those that learn either way.
    """
    layers = hidden(next(iter(settings.values()))[0])
    both = {name: _learned(plain) & _learned(with_l2) for name, (plain, with_l2) in settings.items()}
    last, every = ({name: _more(pair, which) for name, pair in settings.items()} for which in (layers[-1:], layers))
    return [
        _more_with_l2(
            f"L2 increases the compression of {layers[-1]}, with every activation ({kind}).", last, both, source
        ),
        _more_with_l2(
            f"L2 increases the compression of the hidden layers together, with every activation ({kind}).",
            every,
            both,
            "our reading of the same statement, all layers counted",
        ),
        _more_with_l2(
            f"L2 does so also among networks that learn the rule either way, all hidden layers counted ({kind}).",
            {name: values[both[name]] for name, values in every.items()},
            {name: chosen[chosen] for name, chosen in both.items()},
            "our control: L2 leaves some networks at chance",
        ),
    ]


def _more_with_l2(text: str, change: Mapping[str, np.ndarray], both: Mapping[str, np.ndarray], source: str) -> Claim:
    """That the change is positive with every activation; ``both`` tells the pairs that learn."""
    means = {name: mean_over_seeds(values) for name, values in change.items()}
    return Claim(
        text,
        all_of([mean.above(0.0) for mean in means.values()]),
        {
            f"{name}: fall with L2 minus without, bits": f"{mean} ({both[name].sum()} of {len(both[name])} pairs learn)"
            if len(both[name])
            else "no pair learns"
            for name, mean in means.items()
        },
        source,
    )


def _l2_against_overfitting(settings: Settings, source: str) -> list[Claim]:
    """Whether training and test accuracy lie closer together with L2, and whether the latter is higher."""
    gaps = {n: [_last(p, "accuracy_train") - _last(p, "accuracy_test") for p in pair] for n, pair in settings.items()}
    closer = {name: mean_over_seeds(100 * (with_l2 - plain)) for name, (plain, with_l2) in gaps.items()}
    tests = {name: [100 * _last(plane, "accuracy_test") for plane in pair] for name, pair in settings.items()}
    higher = {name: mean_over_seeds(with_l2 - plain) for name, (plain, with_l2) in tests.items()}
    return [
        Claim(
            "L2 prevents overfitting: training and test accuracy lie closer together, with every activation.",
            all_of([mean.below(0.0) for mean in closer.values()]),
            {f"{name}: gap with L2 minus without, percentage points": str(mean) for name, mean in closer.items()},
            source,
        ),
        Claim(
            "L2 makes test accuracy higher, with every activation.",
            all_of([mean.above(0.0) for mean in higher.values()]),
            {
                f"{name}: test accuracy without and with L2, %, and difference": ", ".join(
                    [*(str(mean_over_seeds(values)) for values in tests[name]), str(mean)]
                )
                for name, mean in higher.items()
            },
            f"our stricter reading of {source}",
        ),
    ]


def _generalisation(kind: str, settings: Settings, l2: bool, source: str) -> list[Claim]:
    """Whether compression and test accuracy go together over networks, in the last hidden layer and only there."""
    planes = [pair[l2] for pair in settings.values()]
    layers = hidden(planes[0])
    found = {layer: correlation(planes, layer) for layer in layers}
    last, where = layers[-1], f"({kind}, {'L2' if l2 else 'no L2'})"
    numbers = {
        f"{layer}: mean rank correlation, and without networks at chance": f"{mean}, {_learners(planes, layer):.3g}"
        for layer, mean in found.items()
    }
    return [
        Claim(
            f"Among networks of one activation, more compression of {last} goes with higher test accuracy {where}.",
            found[last].above(0.0),
            numbers,
            source,
        ),
        Claim(
            f"In no hidden layer before {last} does more compression go with higher test accuracy {where}.",
            all_of([opposite(found[layer].above(0.0)) for layer in layers[:-1]]),
            {f"{layer}: mean rank correlation": str(found[layer]) for layer in layers[:-1]},
            source,
        ),
    ]


def correlation(planes: Sequence[xr.Dataset], layer: str) -> Mean:
    """Rank correlation of a layer's fall and test accuracy over networks, mean of the planes where both vary.

    Args:
        planes: of the same seeds, which are resampled together.
        layer: its name.
    """
    falls = np.stack([_falls(plane, layer) for plane in planes])
    accuracy = np.stack([_last(plane, "accuracy_test") for plane in planes])
    return bootstrapped(lambda chosen: _mean(rank_correlation(falls[:, chosen], accuracy[:, chosen])), falls.shape[1])


def _learners(planes: Sequence[xr.Dataset], layer: str) -> float:
    """The same among the networks of each plane that learned the rule."""
    each = [rank_correlation(*(v[_learned(p)] for v in (_falls(p, layer), _last(p, "accuracy_test")))) for p in planes]
    return float(_mean(np.stack(each)[:, None])[0])


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis, nan left out."""
    here = np.isfinite(values)
    total, count = np.where(here, values, 0.0).sum(axis=0), here.sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _falls(plane: xr.Dataset, layer: str) -> np.ndarray:
    """(seed,) falls of I(X;T) after its maximum, in bits."""
    return plane.compression.sel(layer=layer).to_numpy() * BITS


def _more(pair: tuple[xr.Dataset, xr.Dataset], layers: Sequence[str]) -> np.ndarray:
    """(seed,) falls of some layers together with L2 minus those without, in bits."""
    return np.sum([_falls(pair[1], layer) - _falls(pair[0], layer) for layer in layers], axis=0)


def _last(plane: xr.Dataset, name: str) -> np.ndarray:
    """(seed,) values at the last checkpoint."""
    return plane[name].isel(epoch=-1).to_numpy()


def _learned(plane: xr.Dataset) -> np.ndarray:
    """(seed,) whether a network ends above chance."""
    return _last(plane, "accuracy_test") > _LEARNED
