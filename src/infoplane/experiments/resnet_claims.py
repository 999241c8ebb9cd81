"""What ``resnet-plane`` can and cannot say, in numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from ..plane import processing_violations
from .base import Claim
from .verdicts import Verdict

OURS = "our own test"
ARMS = ("resnet", "transformer")
MAIN = "WeightedKL"
MEMORY = 4.0  # GiB
_OF_THE_LOSS = 0.03  # nats: two errors of a mean over 10,000 images whose losses deviate by 1.5 nats


def claims(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    """The statements, of either network."""
    planes = {name: datasets[name] for name in ARMS}
    return [
        _memory(planes),
        *(
            claim(name, plane)
            for name, plane in planes.items()
            for claim in (_learned, _null, _proved, _ordered, _vacuous, _agree, _sizes, _compresses)
        ),
    ]


def chain_of(plane: xr.Dataset) -> list[str]:
    """Layers that everything passes through."""
    return list(json.loads(plane.attrs["chain"]))


def floors(plane: xr.Dataset) -> xr.DataArray:
    """(epoch,) nats of I(T;Y) that the output proves of every layer of the chain: H(Y) less the loss on the probe.

    The probe was not trained on, so H(Y) - E[-ln q(Y|T)] is a lower value of I(output; Y) for the network's own q, and
    no layer of the chain knows less than the output. An estimate of it, as the loss is a mean over the probe.
    """
    return (float(plane.attrs["ceiling_mi_target"]) - plane["loss_test"]).mean("seed").clip(min=0.0)


def _memory(planes: Mapping[str, xr.Dataset]) -> Claim:
    peak = max(float(plane["peak_memory"].max()) for plane in planes.values())  # of one process after the other
    widest = {name: int(plane["widest_layer"]) for name, plane in planes.items()}
    return Claim(
        f"All layers are watched in less than {MEMORY:g} GiB, training included.",
        "unclear" if not math.isfinite(peak) else "holds" if peak < MEMORY else "fails",
        {
            "peak memory of the process, GiB": peak,
            **{f"{name}: widest layer, numbers an image": float(width) for name, width in widest.items()},
            **{
                f"{name}: seconds a snapshot, passes over the probe": f"{float(plane['seconds'].mean()):.0f}, "
                f"{float(plane['passes'].mean()):.2f}"
                for name, plane in planes.items()
            },
        },
        OURS,
    )


def _learned(name: str, plane: xr.Dataset) -> Claim:
    last = plane.isel(epoch=-1)
    accuracy = float(last["accuracy_test"].min())
    return Claim(
        f"{name}: it learns, noise and all: more than 80 % of the probe right at the end.",
        "holds" if accuracy > 0.8 else "fails",
        {
            "accuracy on the probe, by checkpoint": _listed(plane["accuracy_test"]),
            "loss there, nats": _listed(plane["loss_test"]),
        },
        OURS,
    )


def _null(name: str, plane: xr.Dataset) -> Claim:
    null = abs(plane["mi_input_null"]).max(("seed", "epoch", "layer"))
    p_value = plane["mi_input_p_value"].max(("seed", "epoch", "layer"))
    measured = [str(e) for e in plane.estimator.values if np.isfinite(float(null.sel(estimator=e)))]
    numbers: dict[str, float | str] = {}
    for estimator in measured:
        numbers[f"{estimator}: shuffled pairs, farthest from 0, nats"] = float(null.sel(estimator=estimator))
        numbers[f"{estimator}: largest p of dependence"] = float(p_value.sel(estimator=estimator))
    most = max(float(null.sel(estimator=e)) for e in measured)
    return Claim(
        f"{name}: with pairs shuffled every estimate of I(X;T) is within 0.1 nats of 0, in every layer.",
        "holds" if most < 0.1 else "fails",
        numbers,
        OURS,
    )


def _proved(name: str, plane: xr.Dataset) -> Claim:
    """What the codes of layers show of the labels, against what these layers are known to hold."""
    proved = float(floors(plane)[-1])
    here = plane.sel(estimator=MAIN, layer=chain_of(plane)).isel(epoch=-1)
    values, error = here["mi_target"].mean("seed"), here["mi_target_stderr"].mean("seed")
    short = (values + 2.0 * error).to_numpy() < proved - _OF_THE_LOSS
    return Claim(
        f"{name}: at the end the four numbers of every layer of the chain tell as much of the label as the output "
        f"proves the layer to know (to two errors and {_OF_THE_LOSS:g} nats for the loss).",
        "fails" if short.any() else "holds",
        {
            "proved by the output of every layer, nats": proved,
            "layers whose code tells less, beyond errors": ", ".join(values.layer.values[short].astype(str)) or "none",
            **{f"{layer}: I(code;Y), nats": float(values.sel(layer=layer)) for layer in values.layer.values},
        },
        OURS,
    )


def _ordered(name: str, plane: xr.Dataset) -> Claim:
    chain = chain_of(plane)
    numbers: dict[str, float | str] = {}
    shares = []
    for kind, told in (("input", "I(X;T)"), ("target", "I(T;Y)")):
        beyond = processing_violations(plane.sel(estimator=MAIN), chain)[f"violations_{kind}_beyond"]
        pairs = (len(chain) - 1) * beyond.size
        shares.append(float(beyond.sum()) / pairs)
        numbers[f"{told}: rises by over two errors along the chain"] = f"{int(beyond.sum())} of {pairs}"
    return Claim(
        f"{name}: what codes tell falls along the chain, as what layers know must (at most 5 % of steps rise by over "
        "two errors).",
        "holds" if max(shares) <= 0.05 else "fails",
        numbers,
        "derived; our own test",
    )


def _vacuous(name: str, plane: xr.Dataset) -> Claim:
    here = plane.sel(estimator=MAIN).isel(epoch=-1, seed=0)
    empty = here["loss_bound_input_vacuous"].to_numpy().astype(bool)
    known = np.isfinite(here["loss_bound_input"].to_numpy())
    useful = known & ~empty
    numbers: dict[str, float | str] = {
        "layers with a bound that says something": ", ".join(here.layer.values[useful].astype(str)) or "none",
        "layers with a bound that excludes nothing": f"{int((known & empty).sum())} of {len(empty)}",
    }
    for layer in chain_of(plane):
        one = here.sel(layer=layer)
        numbers[f"{layer}: variance kept, I(X;code), bound on what is lost, most by signal to noise; nats"] = (
            f"{float(one['explained_variance']):.1%}, {float(one['mi_input']):.2f}, "
            f"{float(one['loss_bound_input']):.3g}, {float(one['snr_bound']):.3g}"
        )
    return Claim(
        f"{name}: the noise bounds what four numbers lose of I(X;T), in every layer that has noise.",
        "fails" if (known & empty).any() else "holds" if known.any() else "unclear",
        numbers,
        "derived; our own test",
    )


def _agree(name: str, plane: xr.Dataset) -> Claim:
    """Whether two estimators on the same codes tell the same story: order of layers, and level."""
    one, other = (plane["mi_input"].sel(estimator=e).isel(epoch=-1).mean("seed").to_numpy() for e in (MAIN, "KSG"))
    order = float(spearmanr(one, other).statistic)  # pyright: ignore[reportAttributeAccessIssue]
    return Claim(
        f"{name}: weighted neighbours and KSG put the layers in one order by I(X;T) (rank correlation above 0.9 at the "
        "end).",
        _by_correlation(order),
        {
            "rank correlation over layers": order,
            "weighted less KSG, nats, least and most": f"{(one - other).min():.2f}, {(one - other).max():.2f}",
        },
        OURS,
    )


def _sizes(name: str, plane: xr.Dataset) -> Claim:
    sweep = plane["sweep_mi_target"].sel(estimator=MAIN).isel(checked=-1).mean("seed")
    whole = sweep.dropna("layer", how="any")
    gain = whole.sel(dim=4) - whole.sel(dim=2)
    two, four = (_error(plane, d).sel(layer=whole.layer).to_numpy() for d in (2, 4))
    errors = np.hypot(two, four)
    more = gain.to_numpy() > 2.0 * errors
    return Claim(
        f"{name}: two numbers a layer tell as much of the label as four (within two errors, in every layer).",
        "fails" if more.any() else "holds",
        {
            "layers of which four tell more": f"{int(more.sum())} of {len(more)}",
            "largest gain from two to four, nats": float(gain.max()),
            "layer": str(whole.layer.values[int(gain.argmax("layer"))]),
        },
        OURS,
    )


def _error(plane: xr.Dataset, dim: int) -> xr.DataArray:
    return plane["sweep_mi_target_stderr"].sel(estimator=MAIN, dim=dim).isel(checked=-1).mean("seed")


def _compresses(name: str, plane: xr.Dataset) -> Claim:
    """Falls of I(X; code) from the largest checkpoint to the last, by layer, beyond two errors of either estimator."""
    chain = chain_of(plane)
    numbers: dict[str, float | str] = {}
    falls = {}
    for estimator in (MAIN, "KSG"):
        here = plane.sel(estimator=estimator, layer=chain)
        value = here["mi_input"].transpose("seed", "epoch", "layer").to_numpy()
        error = here["mi_input_stderr"].transpose("seed", "epoch", "layer").to_numpy()
        top = value.argmax(axis=1)[:, None]
        fall = np.take_along_axis(value, top, 1)[:, 0] - value[:, -1]
        allowed = 2.0 * np.hypot(np.take_along_axis(error, top, 1)[:, 0], error[:, -1])
        falls[estimator] = (fall > np.maximum(allowed, 0.1)).all(axis=0)
        for k, layer in enumerate(chain):
            numbers[f"{layer}, {estimator}: fall after the maximum, nats"] = float(fall[:, k].mean())
    both, either = falls[MAIN] & falls["KSG"], falls[MAIN] | falls["KSG"]
    numbers["layers that fall, by both estimators"] = ", ".join(np.array(chain)[both]) or "none"
    numbers["layers that fall, by one of them"] = ", ".join(np.array(chain)[either & ~both]) or "none"
    verdict: Verdict = "holds" if both[-3:].any() else "fails" if not either[-3:].any() else "unclear"
    return Claim(
        f"{name}: codes of one of the last three layers of the chain lose information on the input after a maximum (by "
        "over 0.1 nats and two errors, in every network, by both estimators). Of the layers it would not follow.",
        verdict,
        numbers,
        "arXiv:1703.00810, read as a question to codes",
    )


def _by_correlation(value: float) -> Verdict:
    return "holds" if value > 0.9 else "fails" if value < 0.5 else "unclear"


def _listed(curve: xr.DataArray) -> str:
    return ", ".join(f"{float(v):.3f} at {int(e)}" for e, v in zip(curve.epoch, curve.mean("seed"), strict=True))
