"""How a plane was measured, read back from its attributes: estimator, channel, and a name in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import xarray as xr

from ..channels import AdditiveGaussian, Channel, Identity, Quantize
from ..errors import InputError
from ..estimators import Binned, PairwiseBounds, Plugin, by_name
from ..naming import Registry

_CHANNELS = {"Quantize": Quantize, "AdditiveGaussian": AdditiveGaussian, "Identity": Identity}
_REGISTRY = Registry("channel", "Quantize(bins=30)", lambda: _CHANNELS)
_RANGES = {
    "known": "fixed range",
    "layer": "range over all epochs",
    "global": "range over all layers",
    "snapshot": "range of each epoch",
    "std": "in units of std(T)",
}


@dataclass(frozen=True)
class Method:
    """How I(X;T) of a plane was measured.

    Attributes:
        label: in a few words, such as "30 bins, fixed range".
        settings: as one would write it, with all that differs from the defaults.
        channel: what T is, or None where the plane does not say.
    """

    label: str
    settings: str
    channel: Channel | None

    @property
    def follows_scale(self) -> bool:
        """Whether the resolution moves with the layer's scale."""
        return isinstance(self.channel, Quantize | AdditiveGaussian) and self.channel.follows_scale


def method_of(plane: xr.Dataset) -> Method:
    """The method that a plane's attributes name; their text as it is where it cannot be read."""
    written, seen = str(plane.attrs.get("estimator", "")), str(plane.attrs.get("channel", ""))
    channel = channel_of(seen)
    try:
        estimator = by_name(written)
    except InputError:
        return Method(written or "unnamed estimator", ", ".join(filter(None, (written, seen))), channel)
    own = estimator.channel is not None
    settings = estimator.short if own or channel is None else f"{estimator.short} of {seen}"
    plain = isinstance(estimator, Binned | Plugin) and getattr(estimator, "correction", "none") == "none"
    who = "" if plain else "pairwise, " if isinstance(estimator, PairwiseBounds) else f"{type(estimator).__name__}, "
    label = (who + _resolution(channel)).removesuffix(", ") or type(estimator).__name__
    return Method(label, settings, channel)


def channel_of(text: str) -> Channel | None:
    """The channel from how it is written; None where that cannot be read."""
    try:
        return _REGISTRY.by_name(text)
    except InputError:
        return None


def told_apart(methods: list[Method]) -> list[Method]:
    """The same methods, with their settings as labels where labels would be alike."""
    labels = [m.label for m in methods]
    return [replace(m, label=m.settings) if labels.count(m.label) > 1 else m for m in methods]


def _resolution(channel: Channel | None) -> str:
    """The channel in words."""
    if isinstance(channel, Quantize):
        where = channel.range if isinstance(channel.range, str) else "range {:g} to {:g}".format(*channel.range)
        where = _RANGES.get(where, where)
        how = {"adaptive": "adaptive", "mass": f"equal mass, {where}"}.get(channel.kind, where)
        return f"{channel.bins} bins, {how}"
    if isinstance(channel, AdditiveGaussian):
        return f"noise {channel.sigma:.3g}" + (" std(T)" if channel.relative else "")
    return ""
