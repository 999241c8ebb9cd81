"""Some of the samples in place of all: for methods whose cost grows with the square of their number."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..channels import Channel
from ..compressors.coding import restricted
from ..errors import InputError
from ..estimate import Estimate
from ..rows import Snapshots, large, picked
from ..samples import Variable, whole
from .base import Estimator, LayerBlock, LayerInformation, refuse_replayed
from .ksg import KSG

_MEANS = tuple(f"mi_{of}{end}" for of in ("input", "target") for end in ("", "_lower", "_upper"))


@dataclass(frozen=True)
class Subsampled(Estimator):
    """The mean of an estimate over a few disjoint random parts of the samples; a note says how many were used.

    The rule for methods of cost O(n^2) (``PairwiseBounds``, ``KDE``, neighbours in many dimensions): parts of as many
    samples as the machine bears. The value is that of ``samples`` samples: the bias of a method at that number stays,
    and a quantity with a ceiling of ln n, such as I(X;T) over the samples, has the ceiling ln(samples). What is lost is
    precision: the standard error is that of ``parts * samples`` samples, the method's own over the root of ``parts`` or
    the spread of the parts over it, whichever is larger.

    Cost: ``parts`` estimates. Fails where classes are rare: a part may have none of one.

    Attributes:
        estimator: the method.
        samples: of a part; data with no more than that are taken whole.
        parts: at most so many, and as many as there are samples for.
    """

    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True  # or not, as the wrapped method does

    estimator: Estimator = field(default=KSG())
    samples: int = 10_000
    parts: int = 4

    def __post_init__(self) -> None:
        if not isinstance(self.estimator, Estimator):
            raise InputError(f"Subsampled wraps an estimator, as in Subsampled(KDE()), got {self.estimator!r}.")
        refuse_replayed("Subsampled", self.estimator)
        whole(self.samples, "Subsampled's samples", low=4)
        whole(self.parts, "Subsampled's parts", low=1)
        for name in ("direction", "needs_input"):
            object.__setattr__(self, name, getattr(self.estimator, name))

    @property
    def channel(self) -> Channel | None:
        return self.estimator.channel

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        rows = self._parts(x.n, seed)
        found = [
            self.estimator.estimate(*(Variable(np.asarray(picked(v.values, r)), v.name) for v in (x, y)), seed=seed)
            for r in rows
        ]
        if len(rows[0]) == x.n:
            return dataclasses.replace(found[0], method=str(self))
        values = {name: np.array([getattr(e, name) for e in found]) for name in ("value", "stderr", "lower", "upper")}
        used = len(rows) * len(rows[0])
        spread = f", whose values spread by {values['value'].std(ddof=1):.2g} nats" if len(rows) > 1 else ""
        note = (
            f"{used:,} of {x.n:,} samples were used, in {len(rows)} random part(s) of {len(rows[0]):,}{spread}: bias "
            "and ceilings are those of a part."
        )
        return dataclasses.replace(
            found[0],
            value=float(values["value"].mean()),
            stderr=float(_error(values["value"], values["stderr"])),
            lower=float(values["lower"].mean()),
            upper=float(values["upper"].mean()),
            n_samples=used,
            notes=(note, *dict.fromkeys(n for e in found for n in e.notes)),
            warnings=tuple(dict.fromkeys(warning for e in found for warning in e.warnings)),
            method=str(self),
        )

    def entropy(self, x: Variable, *, seed: int = 0) -> Estimate:
        raise InputError("Subsampled estimates no entropy; pass a part of the samples to the estimator itself.")

    def layer(self, block: LayerBlock) -> LayerInformation:
        rows = self._parts(block.n, block.seed)
        if len(rows[0]) == block.n:
            return self.estimator.layer(block)
        found = [self.estimator.layer(_part(block, r)) for r in rows]
        first, used = found[0], len(rows) * len(rows[0])
        columns = {name: np.mean([getattr(f, name) for f in found], axis=0) for name in _MEANS}
        for of in ("input", "target"):
            values = np.array([getattr(f, f"mi_{of}").reshape(block.cells, -1)[:, 0] for f in found])
            errors = np.array([getattr(f, f"mi_{of}_stderr") for f in found])
            columns[f"mi_{of}_stderr"] = _error(values, errors)
        note = (
            f"{used:,} of {block.n:,} samples were used, in {len(rows)} random part(s) of {len(rows[0]):,}: bias and "
            "ceilings are those of a part."
        )
        return dataclasses.replace(
            first,
            **columns,
            saturated=np.any([f.saturated for f in found], axis=0),
            out_of_range=np.sum([f.out_of_range for f in found], axis=0),
            notes=(note, *dict.fromkeys(n for f in found for n in f.notes)),
            doubts=tuple(dict.fromkeys(doubt for f in found for doubt in f.doubts)),
        )

    def _parts(self, n: int, seed: int) -> list[np.ndarray]:
        """Sorted rows of every part; all rows as one part where there are no more."""
        if n <= self.samples:
            return [np.arange(n)]
        order = np.random.default_rng([seed, 0x5AB]).permutation(n)
        count = max(1, min(self.parts, n // self.samples))
        return [np.sort(order[k * self.samples : (k + 1) * self.samples]) for k in range(count)]


def _error(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Of the mean over the first axis, (parts, ...): from the parts' own errors or their spread, the larger."""
    parts = len(values)
    own = np.sqrt((errors**2).sum(axis=0)) / parts
    if parts == 1 or not np.isfinite(values).all():
        return own
    return np.fmax(own, values.std(axis=0, ddof=1) / math.sqrt(parts))


def _part(block: LayerBlock, rows: np.ndarray) -> LayerBlock:
    """Some samples of a block."""

    def of(values):
        if values is None:
            return None
        return Snapshots(list(values))[:, rows] if large(values) else values[:, rows]

    return dataclasses.replace(
        block,
        activations=of(block.activations),
        y=of(block.y),
        x=of(block.x),
        p_y_given_x=of(block.p_y_given_x),
        permutations=np.stack([restricted(order, rows) for order in block.permutations]),
        population=False,
    )
