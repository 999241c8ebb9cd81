"""The claims of ``layer-measures`` follow the numbers: each holds where it was put, and fails where it was not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments.layer_claims import layer_claims
from infoplane.plane.summary import add_summary

BITS = math.log(2)
SEEDS, LAYERS = 12, ["hidden 1", "hidden 2", "output"]
TIME = np.linspace(0, 1, 41)
CELLS = ("seed", "epoch", "layer")
SIGMAS = [0.01, 0.1, 1.0]


def cells(*paths: np.ndarray, spread: float = 0.0, of: float = 1.0) -> tuple:
    """(seed, epoch, layer) values with these paths by layer; networks differ by up to ``spread``, of later epochs."""
    each = 1 + spread * np.linspace(-1, 1, SEEDS)[:, None, None] * np.ones((1, len(TIME), len(LAYERS)))
    noise = 1e-4 * np.random.default_rng(0).standard_normal(each.shape)
    return CELLS, (np.stack(paths, axis=-1)[None] * each + noise) * of


def world() -> dict[str, xr.Dataset]:
    """Datasets of which every claim holds: hidden 2 of tanh rises, then falls by 1.4 bits."""
    coords = {"seed": np.arange(SEEDS), "epoch": np.arange(len(TIME)), "layer": LAYERS}
    flat, up = np.ones_like(TIME), 1 + TIME
    hump = np.where(TIME < 0.3, TIME, 0.9 - 2 * TIME)
    after = np.clip(TIME - 0.3, 0, None)
    found = {}
    for activation in ("tanh", "relu"):
        falls = hump if activation == "tanh" else TIME
        for rule in ("hard", "soft"):
            again = 0.1 * after if (activation, rule) == ("relu", "soft") else 0.0
            plane = xr.Dataset(
                {
                    "mi_input": cells(5 + TIME, 5 + falls, flat, spread=0.05, of=BITS),
                    "mi_target": cells(flat, flat, flat, of=BITS),
                },
                coords=coords,
            )
            found[f"{activation}-{rule}"] = add_summary(plane)
            found[f"{activation}-{rule}-measures"] = xr.Dataset(
                {
                    "end_share": cells(0.1 * up, 0.1 + after * 0.5, flat, spread=0.2),
                    "weight_norm": cells(up, up, up),
                    "n_codes": cells(100 * flat, 100 * (1 - after), 10 * flat),
                    "equivocation": cells(7 - TIME, 7 - falls, 11 * flat, of=BITS),
                    "label_divergence": cells(
                        0.5 - 0.1 * TIME, 0.9 - 0.7 * np.minimum(TIME, 0.3) + again, flat, of=BITS
                    ),
                },
                coords=coords,
            )
        lower, upper = (np.stack([4 + k + 2 * falls] * 3) for k in (0.0, 0.5))
        dims = ("sigma", "seed", "epoch", "layer")
        found[f"{activation}-noise"] = xr.Dataset(
            {
                f"mi_input_{end}": (dims, np.repeat(v[:, None, :, None], SEEDS, 1) * BITS)
                for end, v in (("lower", lower), ("upper", upper))
            },
            coords={"sigma": SIGMAS, "seed": np.arange(SEEDS), "epoch": np.arange(len(TIME)), "layer": ["hidden 2"]},
        )
    return found


def changed(name: str, variable: str, change: Callable[[xr.DataArray], xr.DataArray]) -> dict[str, xr.Dataset]:
    found = world()
    found[name] = found[name].assign({variable: change(found[name][variable]).transpose(*found[name][variable].dims)})
    return found


def verdict(datasets: dict[str, xr.Dataset], beginning: str) -> str:
    (claim,) = (c for c in layer_claims(datasets) if c.text.startswith(beginning))
    return claim.verdict


CLAIMS = {  # how a claim begins, and what makes it fail
    "tanh: the share of saturated": ("tanh-hard-measures", "end_share", lambda v: v.where(v.layer != "hidden 1", 0.3)),
    "tanh: hidden 2 saturates as": ("tanh-hard-measures", "end_share", lambda v: 1 - v),
    "tanh: networks whose hidden 2": (
        "tanh-hard-measures",
        "end_share",
        lambda v: v.isel(seed=slice(None, None, -1)).assign_coords(seed=v.seed),
    ),
    "relu: the share of activations": ("relu-hard-measures", "end_share", lambda v: 1 - v),
    "The norm of the weights": ("relu-hard-measures", "weight_norm", lambda v: v.where(v.layer != "output", 1 / v)),
    "tanh: where a hidden layer": ("tanh-hard-measures", "n_codes", lambda v: v * 0 + 50.0),
    "tanh, hard rule: what": ("tanh-hard-measures", "label_divergence", lambda v: 0.5 * v.epoch / 40 + 0 * v),
    "tanh, soft rule: what": ("tanh-soft-measures", "equivocation", lambda v: 0 * v),
    "hard rule: training": ("relu-hard-measures", "label_divergence", lambda v: 1 - v),
    "soft rule: training": ("tanh-soft-measures", "label_divergence", lambda v: 1 - v),
    "tanh: hidden 2 compresses at every": ("tanh-noise", "mi_input_upper", lambda v: v.where(v.sigma < 0.5, 1.0)),
    "tanh: compression of hidden 2 is": ("tanh-noise", "mi_input_lower", lambda v: v - 2.0),
    "relu: hidden 2 compresses at no": ("relu-noise", "mi_input_upper", lambda v: 10 - v),
}


@pytest.mark.parametrize("beginning", CLAIMS)
def test_a_claim_holds_where_it_was_put_and_fails_where_it_was_not(beginning: str) -> None:
    assert verdict(world(), beginning) == "holds"
    assert verdict(changed(*CLAIMS[beginning]), beginning) == "fails"


def test_label_information_is_lost_again_only_where_it_was() -> None:
    beginning = "soft rule: fitted to labels drawn once"
    assert verdict(world(), beginning) == "fails"  # relu loses it, tanh does not
    late = changed("tanh-soft-measures", "label_divergence", lambda v: v + 0.002 * v.epoch * BITS)
    assert verdict(late, beginning) == "holds"


def test_nothing_is_said_of_codes_where_no_layer_compresses() -> None:
    found = [c for c in layer_claims(world()) if c.text.startswith("relu: where a hidden layer")]
    assert [(c.verdict, c.numbers) for c in found] == [("unclear", {"layers that compress": "none"})]
