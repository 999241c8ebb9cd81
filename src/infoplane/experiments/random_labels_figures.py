"""The pictures of ``random-labels``: quantities over time by share of random labels, and what ranks the shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..plots.style import new_figure
from .random_labels_ranks import GAP, LATE, QUANTITIES, TIMES, Shares, ranks_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NETS = {"erf": "erf", "relu": "ReLU"}
_SHOWN = (
    "loss_gibbs_train",
    GAP,
    "mi_input_lower",
    "mi_target",
    "parameter_distance",
    "modes_learned",
)


def over_time(shares: Shares) -> Figure:
    """Six quantities of one network."""
    return plots.over_time_panels(_labelled(shares), _SHOWN)


def planes(tables: Mapping[str, Shares]) -> Figure:
    """The path of each ensemble through the information plane, a panel a network."""
    figure = new_figure(10.0, 3.8)
    row = figure.subplots(1, len(tables), squeeze=False, sharex=True, sharey=True)[0]
    for k, (net, shares) in enumerate(tables.items()):
        plots.ensemble_plane(_labelled(shares), row[k], legend=k == len(tables) - 1)
        row[k].set_title(_NETS[net], fontsize="medium")
    return figure


def _labelled(shares: Shares) -> dict[str, xr.Dataset]:
    return {f"{share:.0%} random": one for share, one in shares.items()}


def ranks(tables: Mapping[str, Shares]) -> Figure:
    """Table of colours: rank correlation of each quantity with the gap over the four shares, by network and time."""
    labels = QUANTITIES | {when: f"τ = {time:g}" for when, time in TIMES.items()} | {LATE: "late"}
    figure = new_figure(10.0, 1.0 + 0.27 * len(QUANTITIES))
    row = figure.subplots(1, len(tables), squeeze=False)[0]
    for ax, (net, shares) in zip(row, tables.items(), strict=True):
        plots.rank_table(ranks_of(shares), ax, labels=labels)
        ax.set_title(_NETS[net], fontsize="medium")
    figure.suptitle("Rank correlation with the gap over shares of random labels", fontsize="medium")
    return figure
