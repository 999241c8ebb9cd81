"""What ``variational-tightness`` says of bounds, optima, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..plane.task_bound import bound_of
from .base import Claim
from .tightness_gaps import PARTS
from .verdicts import Verdict, rounded, when

_TOLERANCE = 1e-5
_ERRORS = 5.0  # standard errors over draws of z
_ROUNDING = 1e-9  # nats
_SOURCE = "derived; our own test"


def claims_of(datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Claims on tables and networks."""
    networks = datasets["networks"]
    return [
        _tables(datasets["tables"]),
        _bounds(networks),
        _below(datasets["curve"], networks),
        _prior_or_decoder(networks),
        _kernel(networks),
    ]


def _tables(tables: xr.Dataset) -> Claim:
    apart = {
        name: abs(tables[f"table_{name}"] - tables[f"optimum_{name}"]).max("point") for name in ("input", "target")
    }
    numbers = {
        f"{objective}: largest distance from the optimum, nats": float(
            max(one.sel(objective=objective) for one in apart.values())
        )
        for objective in tables.objective.values
    }
    return Claim(
        "Tables trained by gradient on the variational losses have the informations of the certified optimum, to 1e-5.",
        when(max(numbers.values()) <= _TOLERANCE),
        {name: float(f"{value:.2g}") for name, value in numbers.items()},
        _SOURCE,
    )


def _bounds(networks: xr.Dataset) -> Claim:
    """What is bounded lies within its bounds, for all networks."""
    kernel = networks.objective == "NonlinearIB"
    slack = _ERRORS * (networks.true_input_stderr + networks.rate_stderr)
    margins = {
        "rate less I(X;Z), least": networks.rate - networks.true_input + slack,
        "I(Z;Y) less its bound, least": networks.decoder_gap,
        "conditional rate less I(X;Z|Y), least": (networks.conditional_gap + _ERRORS * networks.conditional_gap_stderr)
        .where(~kernel),
        "loss less its least value, least": networks.gap + slack,
    }  # fmt: skip
    numbers = {f"{name} (with {_ERRORS:.0f} standard errors), nats": float(one.min()) for name, one in margins.items()}
    return Claim(
        "Every bound is one: the rate lies above the encoder's own I(X;Z), the conditional rate above I(X;Z|Y), what "
        "the classifier shows below I(Z;Y), and no loss below the least that the solver allows.",
        when(min(numbers.values()) >= -_ROUNDING),
        rounded(numbers),
        _SOURCE,
    )


def _below(curve: xr.Dataset, networks: xr.Dataset) -> Claim:
    bound = bound_of(curve)
    above = networks.true_target - xr.apply_ufunc(bound, networks.true_input)
    error = _ERRORS * (networks.true_target_stderr + networks.true_input_stderr)
    distances = {
        f"{name}: below the curve, nats": _told(-above.sel(objective=name)) for name in networks.objective.values
    }
    return Claim(
        "No network's encoder lies above the certified curve.",
        when(bool((above <= error + _ROUNDING).all())),
        rounded(distances),
        _SOURCE,
    )


def _prior_or_decoder(networks: xr.Dataset) -> Claim:
    """At the largest beta, over seeds: which of the three parts of the gap is the largest."""
    last = networks.sel(objective=["VIB", "CEB", "DualVIB", "SquaredVIB"]).isel(point=-1)
    others = np.maximum(last.prior, last.encoder)
    verdict: Verdict = (
        "holds"
        if (last.decoder > others).all()
        else "fails"
        if (last.decoder < others).any("objective").all()
        else "unclear"
    )
    return Claim(
        "At the largest beta the linear classifier costs more than the prior and more than the normal encoder, for "
        "VIB, CEB, DualVIB and SquaredVIB.",
        verdict,
        rounded({f"{name}, {part}, nats": _told(last[part].sel(objective=name))
                 for name in last.objective.values for part in PARTS}),
        _SOURCE,
    )  # fmt: skip


def _kernel(networks: xr.Dataset) -> Claim:
    """Over seeds, at every beta above the smallest: the gap of the nonlinear bottleneck against that of VIB."""
    gaps = networks.gap.isel(point=slice(1, None))
    less = gaps.sel(objective="VIB") - gaps.sel(objective="NonlinearIB")
    betas = networks.beta.sel(objective="VIB").values
    numbers = {
        f"{name}: gap, beta {beta:g}, nats": _told(networks.gap.sel(objective=name).isel(point=k))
        for name in ("VIB", "NonlinearIB")
        for k, beta in enumerate(betas)
    }
    verdict: Verdict = "holds" if (less > 0).all() else "fails" if (less < 0).all() else "unclear"
    return Claim(
        "The nonlinear bottleneck, which needs no prior, comes nearer to the optimum than VIB at every beta but the "
        "smallest.",
        verdict,
        rounded(numbers),
        _SOURCE,
    )


def _told(values: xr.DataArray) -> str:
    """Mean and range."""
    flat = np.ravel(values)
    return f"{flat.mean():.3g} [{flat.min():.3g}, {flat.max():.3g}]"
