"""Which estimators agree that there is compression, where, and after which rescaling it vanishes: in words."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..plane.compression import BITS, SLIGHT
from ..plane.rescaling import KINDS, Rescaling
from .tables import number
from .words import counted

_FEW = 4  # estimators that are named in a sentence; of more there is a number, and the table has their names


def lead(table: xr.Dataset) -> list[str]:
    """What was compared, and what counts as compression."""
    checkpoints = len(json.loads(str(table.attrs["epochs"])))
    return [
        f"{counted(table.sizes['estimator'], 'estimator')} looked at the same activations of "
        f"{counted(int(table.attrs['networks']), 'network')} at the same {counted(checkpoints, 'checkpoint')}.",
        f"A layer compresses where I(X;T) falls after its maximum by more than {SLIGHT:g} bits and by more than its "
        "own steps do in shuffled order; it does not where the fall is at most that, both by the 95 % interval of the "
        "mean over networks; between the two it is unclear.",
        f"An estimator cannot tell where its values stand at their ceiling log n or never reach {SLIGHT:g} bits.",
    ]


def layers(table: xr.Dataset) -> list[str]:
    """One sentence a layer, or for several of which the same is to be said: who sees compression."""
    said: dict[str, list[str]] = {}
    for layer in map(str, table.layer.to_numpy()):
        said.setdefault(_layer(table.sel(layer=layer)), []).append(layer)
    return [f"{listed(names)}: {sentence}" for sentence, names in said.items()]


def _layer(table: xr.Dataset) -> str:
    names = [str(name) for name in table.estimator.to_numpy()]
    blind, verdicts = ([str(v) for v in table[name].to_numpy()] for name in ("blind", "verdict"))
    telling = [(n, v) for n, v, b in zip(names, verdicts, blind, strict=True) if not b]
    see, deny, open_ = ([n for n, v in telling if v == w] for w in ("holds", "fails", "unclear"))
    silent = [b for b in blind if b]
    m, apart = len(telling), _cannot_tell(silent)
    of = f"{m} estimators" if not silent else f"the {m} that can tell"
    whole = ("both" if m == 2 else f"all {m}") + (" that can tell" if silent else " estimators")
    if not telling:
        return f"no estimator can tell{apart}."
    if m == 1:
        sees = {"holds": "sees compression", "fails": "sees none", "unclear": "is unclear"}[telling[0][1]]
        return f"only {telling[0][0]} can tell, and it {sees}{apart}."
    if m in (len(see), len(deny)):
        return f"{whole} agree that there is {'compression' if see else 'none'}{apart}."
    if len(open_) == m:
        return f"unclear to {whole}{apart}."
    if see and deny:
        parts = [f"no compression in {_those(deny)}", *([f"unclear in {_those(open_)}"] if open_ else [])]
        return f"they disagree: compression in {_those(see, f' of {of}')}, {', '.join(parts)}{apart}."
    if see:
        return f"compression in {_those(see, f' of {of}')}, which no other denies; unclear in {_those(open_)}{apart}."
    return f"none of {of} sees compression: no fall in {_those(deny)}, unclear in {_those(open_)}{apart}."


def _cannot_tell(silent: Sequence[str]) -> str:
    """How many estimators cannot tell, and why."""
    if not silent:
        return ""
    why = {"ceiling": "at the ceiling", "floor": "too coarse"}
    counts = [f"{silent.count(key)} {words}" for key, words in why.items() if key in silent]
    return f" ({' and '.join(counts)} cannot tell)"


def _those(names: Sequence[str], of: str = "") -> str:
    """Their number, and their names where they are few."""
    return f"{len(names)}{of}" + (f" ({'; '.join(names)})" if len(names) <= _FEW else "")


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def rescaled(table: xr.Dataset, pairs: Sequence[Rescaling]) -> list[str]:
    """After which rescaling compression vanishes, remains, or first appears."""
    if not bool(table.follows_scale.any()):
        return [
            "No resolution here moves with the layer's scale, so a change of scale cannot be told from clustering: add "
            "Binned(range='snapshot'), Binned(kind='adaptive') or PairwiseBounds(sigma, relative=True)."
        ]
    if not pairs:
        return ["No fixed resolution has a counterpart that moves with the layer's scale: same bins, or a like noise."]
    names = [str(name) for name in table.layer.to_numpy()]
    said = {name: _rescaled([p for p in pairs if p.layer == name]) for name in names}
    return [_headline(pairs), *(f"{name}: {sentence}" for name, sentence in said.items() if sentence)]


def _headline(pairs: Sequence[Rescaling]) -> str:
    seen = [p for p in pairs if p.outcome not in ("neither", "appears")]
    fixed = {p.layer for p in seen}
    first = list(dict.fromkeys(p.layer for p in pairs if p.outcome == "appears" and p.layer not in fixed))
    appears = f" It is seen only after rescaling in {listed(first)}." if first else ""
    if not seen:
        return f"No fixed resolution that has a counterpart sees compression; a rescaling has none to undo.{appears}"
    gone = {p.layer: None for p in seen if p.outcome == "vanishes"}
    kept = {p.layer: None for p in seen if p.outcome == "remains"}
    what = "Compression that is seen at a fixed resolution vanishes"
    if gone:
        kinds = listed(list(dict.fromkeys(KINDS[p.kind] for p in seen if p.outcome == "vanishes")))
        return f"{what} in {listed(list(gone))}, with {kinds}.{appears}"
    rest = "" if all(p.outcome == "remains" for p in seen) else ", though some cannot decide"
    where = f" It remains in {listed(list(kept))}." if kept else ""
    return f"{what} after none of the rescalings{rest}.{where}{appears}"


def _rescaled(pairs: Sequence[Rescaling]) -> str:
    """Of one layer: with what the fall vanishes, with what it remains; "" where no fixed resolution sees any."""
    verbs = {
        "vanishes": "the fall vanishes with",
        "remains": "it remains with",
        "unclear": "it is unclear with",
        "blind": "it could not be seen with",
        "appears": "a fall that the fixed resolution does not see appears with",
    }
    parts = []
    for outcome, verb in verbs.items():
        mine = [p for p in pairs if p.outcome == outcome]
        if mine:
            parts.append(f"{verb} {listed([_kind(kind, mine, pairs) for kind in dict.fromkeys(p.kind for p in mine)])}")
    sentence = "; ".join(parts)
    return f"{sentence}." if sentence else ""


def _kind(kind: str, mine: Sequence[Rescaling], pairs: Sequence[Rescaling]) -> str:
    """One rescaling with the falls before and after, and, where it has several pairs, in how many of them."""
    these = [p for p in mine if p.kind == kind]
    tried = [p for p in pairs if p.kind == kind and p.outcome not in ("neither", "appears")] or these
    before, after = ([f(p) * BITS for p in these] for f in (lambda p: p.fall.value, lambda p: p.fall_after.value))
    falls = f"{_range(before)} → {_range(after)} bits"
    of = f"in {len(these)} of {len(tried)} pairs, " if len(tried) > 1 else ""
    return f"{KINDS[kind]} ({of}{falls})"


def _range(values: Sequence[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"


def remarks(table: xr.Dataset) -> list[str]:
    """What the bounds alone prove, whose values carry warnings, and what was left out."""
    found = []
    bounded = table.isel(estimator=np.isfinite(table.least).any("layer").to_numpy())
    if bounded.sizes["estimator"]:
        found.append(_proofs(bounded))
    loud = [str(n) for n in table.estimator.to_numpy()[(table.warned.mean("layer") > 0.5).to_numpy()]]
    if loud:
        found.append(f"More than half of the values of {listed(loud)} carry a warning: read as a trend at most.")
    missing = json.loads(str(table.attrs["left_out"]))
    if missing:
        found.append(f"Left out, for they share too few checkpoints with the others: {listed(missing)}.")
    return found


def _proofs(table: xr.Dataset) -> str:
    """In which layers bounds alone show or exclude a fall."""
    many, parts = table.sizes["estimator"], []
    for layer in map(str, table.layer.to_numpy()):
        proved = [str(v) for v in table.proved.sel(layer=layer).to_numpy()]
        if count := proved.count("holds"):
            parts.append(f"{layer} ({count} of {many})")
    where = f"in {listed(parts)}" if parts else "nowhere"
    return (
        "Where every value has a certain lower and upper bound, the fall lies between the greatest lower bound less "
        f"the last upper one and the greatest upper one less the last lower one; that alone proves a fall {where}."
    )
