"""What the planes of ``lossy-mnist`` say of the paper's statements, on unfiltered curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from . import lossy_phases as phases
from .base import Claim
from .lossy_phases import Leg
from .verdicts import Verdict, all_of, mean_over_seeds

PAPER = "arXiv:2305.08013, as told by others"
SPEC = "a check of ours on the protocol of arXiv:2305.08013"
_ARMS = ("authors", "fast", "ours")
_Z = 1.96
_BY_CHANCE = 0.05  # share of pairs of layers that may break the order
_OFTEN = 0.05  # p up to which a relation counts; some fifty snapshots have few shifts, so no smaller one is asked for
_FEW = 5  # turning points of the loss below which nothing can be said of coincidence
_LAGS = 10  # snapshots either way

Curve = tuple[str, int, str, np.ndarray, np.ndarray, np.ndarray]  # arm, seed, layer, I, its errors, loss


def claims(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    """All of them, for every arm."""
    planes = {arm: datasets[arm] for arm in _ARMS}
    return [
        _same_course(datasets["authors"], datasets["fast"]),
        *(_ordered(planes, kind, label) for kind, label in (("input", "I(X;T)"), ("target", "I(T;Y)"))),
        *(_several(planes, arm) for arm in _ARMS),
        *(_first_fall(planes, arm) for arm in _ARMS),
        *(_turn_together(planes, arm) for arm in _ARMS),
        *(_move_together(planes, arm) for arm in _ARMS),
        _ksg_beside(datasets),
        _ksg_scale(datasets["noises"], datasets["ways"]),
        _refitted(datasets),
        _any_way(datasets["ways"]),
        _any_noise(datasets["noises"]),
        _under_bound(datasets["ours"]),
        _level_follows(datasets["ours"]),
        *_conditions(datasets["input-codes"], planes),
    ]


def curves(plane: xr.Dataset, arm: str, kind: str = "input") -> list[Curve]:
    """Every layer of every network: values, standard errors and the loss on the test images."""
    found = []
    for seed in plane.seed.values:
        for layer in plane.layer.values:
            here = plane.sel(seed=seed, layer=layer)
            values, errors = here[f"mi_{kind}"].to_numpy(), here[f"mi_{kind}_stderr"].to_numpy()
            found.append((arm, int(seed), str(layer), values, errors, here["loss_test"].to_numpy()))
    return found


def _same_course(slow: xr.Dataset, fast: xr.Dataset) -> Claim:
    """The published schedule and one with a tenth of the steps, from the same weights and with the same noise."""
    common = np.intersect1d(slow.epoch, fast.epoch)
    slow, fast = slow.sel(epoch=common, seed=0), fast.sel(epoch=common, seed=0)
    loss = np.abs(slow["loss_test"].to_numpy() - fast["loss_test"].to_numpy())
    steepest = [int(common[np.argmax(-np.diff(plane["loss_test"]))]) for plane in (slow, fast)]
    numbers: dict[str, float | str] = {
        "loss: largest difference, nats": float(loss.max()),
        "loss: mean difference, nats": float(loss.mean()),
        "steepest fall of the loss begins at epoch: authors, fast": ", ".join(map(str, steepest)),
        "accuracy at the end: authors, fast": ", ".join(f"{float(p['accuracy_test'][-1]):.3f}" for p in (slow, fast)),
    }
    related = []
    for kind, label in (("input", "I(X;T)"), ("target", "I(T;Y)")):
        for layer in slow.layer.values:
            a, b = (plane[f"mi_{kind}"].sel(layer=layer).to_numpy() for plane in (slow, fast))
            error = np.hypot(*(p[f"mi_{kind}_stderr"].sel(layer=layer).to_numpy() for p in (slow, fast)))
            moves = max(np.ptp(a), np.ptp(b)) > 6.0 * np.median(error)
            same = phases.correlation(a, b)
            related += [same] if moves else []
            numbers[f"{label} of {layer}: mean difference, nats"] = float(np.abs(a - b).mean())
            numbers[f"{label} of {layer}: correlation{'' if moves else ' (moves by less than 6 errors)'}"] = same
    close = loss.mean() < 0.05 and abs(steepest[0] - steepest[1]) <= 30 and bool(related) and min(related) > 0.8
    return Claim(
        "A tenth of the steps at ten times the rate goes through the same phases: losses differ by less than 0.05 nats "
        "on average, and every curve that moves correlates by more than 0.8.",
        "holds" if close else "fails" if loss.mean() > 0.15 or not related or min(related) < 0.5 else "unclear",
        numbers,
        SPEC,
    )


def broken(plane: xr.Dataset, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(seed, epoch, pair) booleans: the later layer knows more; and by more than 1.96 errors of a difference."""
    values, errors = plane[f"mi_{kind}"].to_numpy(), plane[f"mi_{kind}_stderr"].to_numpy()
    rise = np.diff(values, axis=2)
    return rise > 0, rise > _Z * np.hypot(errors[..., 1:], errors[..., :-1])


def _ordered(planes: Mapping[str, xr.Dataset], kind: str, label: str) -> Claim:
    numbers: dict[str, float | str] = {}
    shares = []
    for arm, plane in planes.items():
        raw, beyond = broken(plane, kind)
        shares.append(float(beyond.mean()))
        numbers[f"{arm}: pairs of layers out of order beyond errors"] = f"{int(beyond.sum())} of {beyond.size}"
        numbers[f"{arm}: out of order at all"] = f"{int(raw.sum())} of {raw.size}"
        for k, pair in enumerate(zip(plane.layer.values, plane.layer.values[1:], strict=False)):
            numbers[f"{arm}: {pair[0]} to {pair[1]}, share beyond errors"] = float(beyond[..., k].mean())
    kept = [share <= _BY_CHANCE for share in shares]
    return Claim(
        f"{label} does not grow from layer to layer, within errors (at most {_BY_CHANCE:.0%} of pairs, in every arm).",
        "holds" if all(kept) else "fails",
        numbers,
        SPEC,
    )


def _several(planes: Mapping[str, xr.Dataset], arm: str) -> Claim:
    """Rises and falls beyond six jitters of the curve, and of these those beyond three errors of a difference.

    The jitter is what changes from one snapshot to the next on the same images; the errors also have what other images
    would change, and the bias of an estimate may drift by as much.
    """
    numbers: dict[str, float | str] = {}
    counts, beyond = [], []
    for _, seed, layer, values, errors, _ in curves(planes[arm], arm):
        found = phases.legs(values)
        fallen = [leg for leg in found if leg.change < 0]
        sure = phases.legs(values, max(3.0 * 2.0**0.5 * float(np.median(errors)), 6.0 * phases.jitter(values)))
        counts.append((layer, len(fallen), len(found) - len(fallen)))
        beyond.append((layer, sum(leg.change < 0 for leg in sure), sum(leg.change > 0 for leg in sure)))
        numbers[f"{layer}, network {seed}: beyond errors too"] = (
            ", ".join(_told(leg, planes[arm]) for leg in sure[:8]) or "none"
        )
        told = ", ".join(_told(leg, planes[arm]) for leg in found[:8]) or "none"
        numbers[f"{layer}, network {seed}: rises and falls"] = told + (" ..." if len(found) > 8 else "")
        numbers[f"{layer}, network {seed}: largest fall, nats"] = phases.largest_fall(values)
        numbers[f"{layer}, network {seed}: p of that fall, steps shuffled"] = phases.fall_p_value(values)
    many = {layer for layer, down, up in counts if down >= 2 and up >= 2}
    always = {layer for layer in many if all(d >= 2 and u >= 2 for one, d, u in counts if one == layer)}
    sure_of = {layer for layer in always if all(d >= 2 and u >= 2 for one, d, u in beyond if one == layer)}
    verdict: Verdict = "holds" if sure_of else "unclear" if many else "fails"
    return Claim(
        f"{arm}: I(X;T) of some layer goes through several fitting and compression phases (at least two rises and two "
        "falls beyond the jitter of the curve and three errors of a difference, in every network).",
        verdict,
        {
            "layers that do, in every network": ", ".join(sorted(sure_of)) or "none",
            "layers that do beyond the jitter alone": ", ".join(sorted(always)) or "none",
            **numbers,
        },
        PAPER,
    )


def _told(leg: Leg, plane: xr.Dataset) -> str:
    first, last = (int(plane.epoch.values[k]) for k in (leg.first, leg.last))
    return f"{leg.change:+.2f} nats in {first}-{last}"


def _first_fall(planes: Mapping[str, xr.Dataset], arm: str) -> Claim:
    """The rate of the loss in the window of the first fall, against windows of that length anywhere."""
    numbers: dict[str, float | str] = {}
    outcomes = []
    plane = planes[arm]
    for _, seed, layer, values, _, loss in curves(plane, arm):
        found = phases.falls(values)
        if not found:
            numbers[f"{layer}, network {seed}"] = "no fall"
            continue
        first = found[0]
        ratio, share = phases.share_as_fast(-np.diff(loss), first.first, first.last)
        outcomes.append(ratio > 1.0 and share <= 0.1)
        numbers[f"{layer}, network {seed}"] = (
            f"{_told(first, plane)}: loss falls {ratio:.2f} times as fast as on average, windows as fast: {share:.0%}"
        )
    share = float(np.mean(outcomes)) if outcomes else None
    verdict: Verdict = "unclear" if share is None else "holds" if share > 0.8 else "fails" if share < 0.2 else "unclear"
    return Claim(
        f"{arm}: the first fall of I(X;T) goes with the accelerated fall of the loss (among the fastest tenth of the "
        "windows of its length, in most layers and networks that have a fall).",
        verdict,
        {
            "layers and networks with a fall": len(outcomes),
            "share of them for which it does": "none has one" if share is None else share,
            **numbers,
        },
        PAPER,
    )


def _turn_together(planes: Mapping[str, xr.Dataset], arm: str) -> Claim:
    return _related(
        planes,
        arm,
        f"{arm}: turning points of I(X;T) and of the loss coincide (phi coefficient of the sign changes of dI/dt and "
        "-dLoss/dt, against circular shifts of one of them).",
        phases.turning_together,
        lambda values, loss: (values, -loss),
    )


def _move_together(planes: Mapping[str, xr.Dataset], arm: str) -> Claim:
    return _related(
        planes,
        arm,
        f"{arm}: dI(X;T)/dt and -dLoss/dt are correlated (against circular shifts of one of them).",
        phases.correlation,
        lambda values, loss: (np.diff(values), -np.diff(loss)),
    )


def _related(
    planes: Mapping[str, xr.Dataset],
    arm: str,
    text: str,
    statistic: Callable[[np.ndarray, np.ndarray], float],
    series: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> Claim:
    """A statistic of two series of every layer and network; p by circular shifts beyond a tenth of their length."""
    numbers: dict[str, float | str] = {}
    small: list[bool] = []
    bends: list[int] = []
    by_layer: dict[str, list[float]] = {}
    for _, seed, layer, values, _, loss in curves(planes[arm], arm):
        one, other = series(values, loss)
        found, p = statistic(one, other), phases.shifted_p_value(statistic, one, other, max(3, len(one) // 10))
        bends.append(int(phases.turns(loss).sum()))
        lag, at_lag = phases.best_lag(np.diff(values), -np.diff(loss), min(_LAGS, len(values) // 4))
        small.append(p <= _OFTEN + 1e-9 and found > 0.0)
        by_layer.setdefault(layer, []).append(found)
        numbers[f"{layer}, network {seed}"] = (
            f"{found:.2f}, p = {p:.3f}; rates at best lag {lag:+d} snapshots: {at_lag:.2f}"
        )
    for layer, values in by_layer.items():
        numbers[f"{layer}: mean over networks"] = str(mean_over_seeds(np.array(values)))
    share = float(np.mean(small))
    verdict: Verdict = "holds" if share > 0.5 else "fails" if share <= 0.1 else "unclear"
    if statistic is phases.turning_together and max(bends) < _FEW:
        verdict = "unclear"  # a loss that hardly ever turns has nothing to coincide with
    return Claim(
        text,
        verdict,
        {
            f"share of layers and networks that are related, p at most {_OFTEN}": share,
            "turning points of the loss: fewest, most": f"{min(bends)}, {max(bends)}",
            **numbers,
        },
        SPEC,
    )


def _ksg_beside(datasets: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    related = []
    for arm, one, other in (("authors", "authors-weighted", "authors-KSG"), ("ours", "ours", "ours-KSG")):
        a, b = (datasets[name] for name in (one, other))
        for layer in a.layer.values:
            first, second = (plane["mi_input"].sel(layer=layer).to_numpy() for plane in (a, b))
            moves = np.ptp(first.mean(axis=0)) > 6.0 * float(a["mi_input_stderr"].sel(layer=layer).median())
            mean = float(np.mean([phases.correlation(x, y) for x, y in zip(first, second, strict=True)]))
            related += [mean] if moves else []
            numbers[f"{arm}, {layer}: correlation{'' if moves else ' (moves by less than 6 errors)'}"] = mean
            numbers[f"{arm}, {layer}: weighted less KSG at the end, nats"] = float((first - second)[:, -1].mean())
    least = min(related, default=float("nan"))
    return Claim(
        "KSG on columns of unit variance sees the course that weighted neighbours see (correlation above 0.9 for every "
        "layer that moves).",
        "holds" if least > 0.9 else "fails" if least < 0.5 else "unclear",
        numbers,
        SPEC,
    )


def _ksg_scale(noises: xr.Dataset, table: xr.Dataset) -> Claim:
    """KSG compares distances in x and t as they are: a layer that grows looks as if it forgot."""
    plain = next(str(way) for way in table.way.values if str(way).startswith("KSG, columns"))
    scaled = next(str(way) for way in table.way.values if str(way).startswith("KSG,") and str(way) != plain)
    numbers: dict[str, float | str] = {}
    seen = []
    for arm in table.arm.values:
        for layer in table.layer.values:
            here = table["mi_input_value"].sel(arm=arm, layer=layer)
            lost = [phases.largest_fall(here.sel(way=way).to_numpy()) for way in (plain, scaled)]
            seen.append(lost[0] > 0.5 and lost[1] < 0.2)
            numbers[f"{arm}, {layer}: largest fall as they are, of unit variance, nats"] = (
                f"{lost[0]:.2f}, {lost[1]:.2f}"
            )
    return Claim(
        "KSG on codes as they are shows a compression that is scaling: it falls by more than 0.5 nats where it falls "
        "by less than 0.2 on the same codes with unit variance.",
        "holds" if np.mean(seen) > 0.5 else "unclear" if any(seen) else "fails",
        numbers,
        SPEC,
    )


def _refitted(datasets: Mapping[str, xr.Dataset]) -> Claim:
    new, frozen = datasets["ours"], datasets["ours-frozen"]
    new = new.sel(epoch=frozen.epoch)
    numbers: dict[str, float | str] = {}
    largest = []
    for layer in new.layer.values:
        gap = (new["mi_input"] - frozen["mi_input"]).sel(layer=layer)
        largest.append(float(abs(gap).mean("seed").max()))
        numbers[f"{layer}: largest difference of I(X;T), nats"] = largest[-1]
        numbers[f"{layer}: mean difference, nats"] = str(mean_over_seeds(gap.mean("epoch")))
        numbers[f"{layer}: difference at the first snapshot, nats"] = str(mean_over_seeds(gap.isel(epoch=0)))
        for name, plane in (("refitted", new), ("frozen", frozen)):
            share = plane["explained_variance"].sel(layer=layer).mean("seed")
            numbers[f"{layer}: variance kept at first and last snapshot, {name}"] = (
                f"{float(share[0]):.2f}, {float(share[-1]):.2f}"
            )
    return Claim(
        "ours: components frozen at the end show the curve that refitted ones show (within 0.25 nats everywhere).",
        "holds" if max(largest) < 0.25 else "fails" if max(largest) > 0.75 else "unclear",
        numbers,
        SPEC,
    )


def _shape(values: np.ndarray, errors: np.ndarray) -> str:
    """Whether a curve ends lower than its maximum beyond the errors of both."""
    top = int(np.argmax(values))
    fall = values[top] - values[-1]
    return "falls" if fall > 3.0 * np.hypot(errors[top], errors[-1]) else "does not fall"


def _any_way(table: xr.Dataset) -> Claim:
    numbers: dict[str, float | str] = {}
    agreed = []
    for arm in table.arm.values:
        for layer in table.layer.values:
            here = table.sel(arm=arm, layer=layer)
            shapes, ends = [], []
            for way in table.way.values:
                values = here["mi_input_value"].sel(way=way).to_numpy()
                if str(way).startswith("KSG, columns"):
                    continue
                shapes.append(_shape(values, here["mi_input_stderr"].sel(way=way).to_numpy()))
                ends.append(f"{values[-1]:.2f}")
            agreed.append(len(set(shapes)) == 1)
            numbers[f"{arm}, {layer}: falls by the end in so many ways"] = (
                f"{shapes.count('falls')} of {len(shapes)}; I(X;T) at the end: {', '.join(ends)} nats"
            )
    share = float(np.mean(agreed))
    named = [str(way) for way in table.way.values if not str(way).startswith("KSG, columns")]
    return Claim(
        "Whether I(X;T) ends below its maximum does not depend on compressors, latent size or estimator.",
        "holds" if share == 1.0 else "fails" if share <= 0.5 else "unclear",
        {"ways, in order": "; ".join(named), "share of layers on which all agree": share, **numbers},
        SPEC,
    )


def _any_noise(table: xr.Dataset) -> Claim:
    numbers: dict[str, float | str] = {}
    agreed = []
    for layer in table.layer.values:
        here = table.sel(layer=layer, estimator="weighted")
        shapes = {}
        for arm in table.arm.values:
            values = here["mi_input_value"].sel(arm=arm).to_numpy()
            shapes[str(arm)] = _shape(values, here["mi_input_stderr"].sel(arm=arm).to_numpy())
            numbers[f"{layer}, {arm}"] = (
                f"{shapes[str(arm)]}; I(X;T) first, highest, last: "
                f"{values[0]:.2f}, {values.max():.2f}, {values[-1]:.2f}"
            )
        agreed.append(len(set(shapes.values())) == 1)
    for arm in table.arm.values:
        last = table.sel(arm=arm, estimator="weighted").isel(epoch=-1)
        numbers[f"{arm}: accuracy at the end"] = float(last["accuracy_test"])
    share = float(np.mean(agreed))
    return Claim(
        "Whether I(X;T) ends below its maximum does not depend on the noise: its kind, its size, where it is fixed.",
        "holds" if share == 1.0 else "fails" if share <= 0.5 else "unclear",
        {"share of layers on which all agree": share, **numbers},
        SPEC,
    )


def _under_bound(plane: xr.Dataset) -> Claim:
    known = plane.sel(layer=plane.layer.values[:-1])
    above = known["mi_input"] - _Z * known["mi_input_stderr"] > known["snr_bound"]
    return Claim(
        "ours: I(X;T) of noisy layers stays under 1/2 sum ln(1 + lambda_i / sigma^2) within errors, at every snapshot.",
        "holds" if not bool(above.any()) else "fails",
        {
            "snapshots and layers above": f"{int(above.sum())} of {above.size}",
            **{
                f"{layer}: least room under the bound, nats": float(
                    (known["snr_bound"] - known["mi_input"]).sel(layer=layer).min()
                )
                for layer in known.layer.values
            },
        },
        SPEC,
    )


def _level_follows(plane: xr.Dataset) -> Claim:
    known = plane.sel(layer=plane.layer.values[:-1])
    numbers: dict[str, float | str] = {}
    near = []
    for layer in known.layer.values:
        here = known.sel(layer=layer)
        value, bound = here["mi_input"].mean("seed").to_numpy(), here["snr_bound"].mean("seed").to_numpy()
        near.append(np.abs(bound - value).max())
        numbers[f"{layer}: I(X;T) and bound, first and last, nats"] = (
            f"{value[0]:.2f} of {bound[0]:.1f}, {value[-1]:.2f} of {bound[-1]:.1f}"
        )
        numbers[f"{layer}: correlation of I(X;T) with the bound"] = phases.correlation(value, bound)
        numbers[f"{layer}: signal to noise, first and last"] = ", ".join(
            f"{float(here['snr'].mean('seed')[k]):.3g}" for k in (0, -1)
        )
    return Claim(
        "ours: the level of I(X;T) is that of the signal-to-noise bound, to 1 nat.",
        "holds" if max(near) < 1.0 else "fails",
        numbers,
        SPEC,
    )


def _conditions(codes: xr.Dataset, planes: Mapping[str, xr.Dataset]) -> list[Claim]:
    """What the planes rest on, judged where it can be."""
    errors: dict[str, float | str] = {}
    for name in codes.compressor.values:
        here = codes.sel(compressor=name)
        errors[f"{name}: mean squared error a pixel, test images"] = float(here["mse"])
        errors[f"{name}: mean absolute error a pixel"] = float(here["mae"])
        errors[f"{name}: share of the variance"] = float(here["explained_variance"])
    share = float(codes["explained_variance"].max())
    numbers: dict[str, float | str] = {}
    reached = []
    for arm, plane in planes.items():
        last = plane.isel(epoch=-1)
        mean = mean_over_seeds(last["accuracy_test"])
        numbers[f"{arm}: accuracy on the test images"] = str(mean)
        numbers[f"{arm}: loss there, nats"] = str(mean_over_seeds(last["loss_test"]))
        reached.append(mean.value)
        slope = float((plane["loss_test"].isel(epoch=-1) - plane["loss_test"].sel(epoch=270, method="nearest")).mean())
        numbers[f"{arm}: change of the loss over the last tenth, nats"] = slope
    return [
        Claim(
            "A code of four numbers keeps most of the images (at least 90 % of their variance on test images).",
            all_of(["holds" if share >= 0.9 else "fails"]),
            errors,
            SPEC,
        ),
        Claim(
            "Every arm learns the task: at least 90 % of the test images right at the end.",
            "holds" if min(reached) >= 0.9 else "fails",
            numbers,
            SPEC,
        ),
    ]
