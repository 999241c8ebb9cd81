"""What a layer no longer knows: of the input, and of the label that the input would have told."""

from __future__ import annotations

import xarray as xr

from ..errors import InputError


def equivocation(plane: xr.Dataset) -> xr.Dataset:
    """H(X|T) and E KL[p(y|x) || p(y|t)] of every cell: all of the input that is forgotten, and what of it mattered.

    For T a function of X, uniform on n inputs, H(X|T) = ln n - H(T): the mean logarithm of how many inputs share a
    code. The label is independent of T given X, so that the mean divergence of its law given the code from its law
    given the input is I(X;Y|T) = I(X;Y) - I(T;Y), whether labels are random or, with I(X;Y) = H(Y), certain. Forgetting
    what does not matter raises the first and leaves the second.

    Args:
        plane: exact: all inputs there are, seen through bins or as the codes they are (``Quantize``, ``Binned``).

    Returns:
        Dataset over (seed, epoch, layer), nats: ``equivocation`` and ``label_divergence``; 0 or more up to rounding.

    Raises:
        InputError: no plane, or one whose values are not exact.
    """
    absent = [name for name in ("mi_input", "mi_target") if not isinstance(plane, xr.Dataset) or name not in plane]
    if absent:
        raise InputError(f"equivocation needs a plane as information_plane gives it; this lacks {', '.join(absent)}.")
    ways = {plane[name].attrs.get("direction") for name in ("mi_input", "mi_target")}
    if ways != {"exact"} or not {"ceiling_mi_input", "ceiling_mi_target"} <= set(plane.attrs):
        raise InputError(
            "equivocation needs exact values, of all inputs there are seen through bins, as in information_plane("
            f"recording, Binned(30), split='all') on an enumerated task; these are {', '.join(sorted(map(str, ways)))}."
        )
    found = {}
    for name, source, meaning in (
        ("equivocation", "mi_input", "H(X|T)"),
        ("label_divergence", "mi_target", "E KL[p(y|x) || p(y|t)]"),
    ):
        found[name] = (plane.attrs[f"ceiling_{source}"] - plane[source]).assign_attrs(
            quantity=meaning, unit="nats", of=plane[source].attrs["quantity"]
        )
    return xr.Dataset(found, attrs=plane.attrs)
