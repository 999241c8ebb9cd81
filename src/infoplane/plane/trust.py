"""Checks at the checkpoints that carry the story: the first, the maximum of I(X;T) and the last, of each layer.

They cost many evaluations each, so they are made there and not at every cell; elsewhere their variables are nan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..channels import AdditiveGaussian, Quantize
from ..estimators.pairwise import noise_scale
from ..progress import Progress
from ..recordings.base import Split, together
from ..resampling import Groups
from ..rows import Snapshots
from .betas import fitted
from .view import Cells, View, is_soft

_HALVES = 6  # half-samples a checked snapshot: their spread is the sampling error to about 30 %

_NAMES = (
    "mi_target_null",
    "mi_target_p_value",
    "mi_input_growth",
    "mi_input_subsample_stderr",
    "mi_input_calibration",
    "layer_beta",
    "layer_beta_residual",
)


@dataclass(frozen=True, eq=False)
class Checks:
    """What is checked, and how often.

    Attributes:
        view, target_view: the recording as seen for I(X;T) and for I(T;Y).
        split: which samples.
        null: shuffles of Y; 0 for no checks at all.
        seed: seed of shuffles, subsamples and calibration data.
    """

    view: View
    target_view: View
    split: Split
    null: int
    seed: int

    def run(self, mi_input: np.ndarray, mi_target: np.ndarray, progress: Progress) -> dict[str, np.ndarray]:
        """The (seed, epoch, layer) variables of the checks, nan where none was made.

        - ``mi_target_null``: mean of I(T;Y) over shuffles of Y; ``mi_target_p_value``: (1 + shuffles not below the
          value) / (1 + shuffles).
        - ``mi_input_growth``: change of I(X;T) from half of the samples to all, over ln 2. Near 1 the value still
          counts samples and says nothing of the layer; near 0 it has settled.
        - ``mi_input_subsample_stderr``: spread of I(X;T) over random halves drawn without replacement, which
          estimates the sampling error of the whole.
        - ``mi_input_calibration``: error of the estimator on independent normal units with this layer's means and
          deviations, at this n and d, where the truth is known in closed form; nan for layers from 64 MB on, which are
          read in blocks.
        - ``layer_beta``, ``layer_beta_residual``: the trade-off at which the layer is closest to a bottleneck
          encoder, and how close (:func:`infoplane.plane.layer_beta`); nan where labels are certain.
        """
        found = {name: np.full(mi_input.shape, np.nan) for name in _NAMES}
        if not self.null:
            return found
        view, recording = self.view, self.view.recording
        total = mi_input.shape[0] * mi_input.shape[2]
        for k, layer in enumerate(view.layers):
            for row in range(len(recording.seeds)):
                columns = np.unique(
                    [0, int(np.nan_to_num(mi_input[row, :, k], nan=-np.inf).argmax()), mi_input.shape[1] - 1]
                )
                values = together([recording.rows(row, view.marks[c], layer, self.split) for c in columns])
                cells = Cells(np.full(len(columns), row), np.array(view.marks)[columns])
                checks = self._cells(values, cells, layer, mi_input[row, columns, k], mi_target[row, columns, k])
                for name, part in checks.items():
                    found[name][row, columns, k] = part
                progress("checking (shuffles, halves, calibration)", k * len(recording.seeds) + row + 1, total)
        return found

    def _cells(
        self, values: np.ndarray, cells: Cells, layer: str, mi_input: np.ndarray, mi_target: np.ndarray
    ) -> dict[str, np.ndarray]:
        n = values.shape[1]
        random = np.random.default_rng([self.seed, int(cells.seeds[0]), self.view.layers.index(layer)])
        orders = np.stack([np.arange(n), *self._orders(cells, random)])
        shuffled = self.target_view.measure(values, cells, layer, self.split, orders).mi_target[:, 1:]
        groups = self._groups(cells)
        half = n // 2 if groups.alone else groups.count // 2 * (n // groups.count)
        plain = np.arange(half)[None]
        halves = np.stack(
            [
                self.view.measure(values, cells, layer, self.split, plain, chosen=chosen).mi_input
                for chosen in self._halves(cells, half, random, ordered=isinstance(values, Snapshots))
            ]
        )
        beta, residual = self._beta(values, cells, layer)
        return {
            "mi_target_null": shuffled.mean(axis=1),
            "mi_target_p_value": (1 + (shuffled >= mi_target[:, None] - 1e-12).sum(axis=1)) / (1 + self.null),
            "mi_input_growth": (mi_input - halves.mean(axis=0)) / np.log(n / half),
            "mi_input_subsample_stderr": halves.std(axis=0, ddof=1) * np.sqrt(half / (n - half)),
            "mi_input_calibration": self._calibration(values, cells, layer, random),
            "layer_beta": beta,
            "layer_beta_residual": residual,
        }

    def _calibration(self, values: np.ndarray, cells: Cells, layer: str, random: np.random.Generator) -> np.ndarray:
        channel, view = self.view.channel, self.view
        if isinstance(values, Snapshots):
            return np.full(len(values), np.nan)
        wide = values.astype(np.float64)
        mean, std = wide.mean(axis=1), wide.std(axis=1)
        normal = (mean[:, None] + std[:, None] * random.standard_normal(values.shape)).astype(values.dtype)
        if isinstance(channel, Quantize) and channel.kind == "width":
            low, high = view.ends(normal, cells.seeds, layer)
            truth = channel.gaussian_information(mean, std, low, high)
        elif isinstance(channel, AdditiveGaussian):
            truth = channel.gaussian_information(std, noise_scale(values, channel))
        else:
            return np.full(len(values), np.nan)
        return view.measure(normal, cells, layer, self.split, np.arange(values.shape[1])[None]).mi_input - truth

    def _groups(self, cells: Cells) -> Groups:
        """Which samples of the split move together: those of one sequence, where rows are tokens."""
        labels, samples = self.view.recording.probe.groups, self.view.recording.samples(self.split)
        rows = slice(None) if samples is None else samples[cells.seeds[0]]
        n = self.view.recording.probe.n if samples is None else samples.shape[1]
        return Groups(None if labels is None else labels[rows], n)

    def _orders(self, cells: Cells, random: np.random.Generator) -> list[np.ndarray]:
        """Shuffles of the labels, group by group where samples belong together."""
        groups = self._groups(cells)
        if groups.alone:
            return [random.permutation(len(groups.codes)) for _ in range(self.null)]
        return list(groups.orders(self.null, int(random.integers(2**31))))

    def _halves(self, cells: Cells, half: int, random: np.random.Generator, *, ordered: bool) -> list[np.ndarray]:
        """Random halves of the samples, or of the groups they belong to; in the order of a file they are read from."""
        groups = self._groups(cells)
        if groups.alone:
            drawn = [random.permutation(len(groups.codes))[:half] for _ in range(_HALVES)]
            return [np.sort(one) for one in drawn] if ordered else drawn
        return [min(groups.parts(2, random), key=len) for _ in range(_HALVES)]

    def _beta(self, values: np.ndarray, cells: Cells, layer: str) -> tuple[np.ndarray, np.ndarray]:
        law = self.view.recording.probe.p_y_given_x
        nothing = np.full(len(values), np.nan)
        if not isinstance(self.target_view.channel, Quantize) or law is None or not is_soft(law):
            return nothing, nothing
        fits = fitted(self.target_view, values, cells, layer, self.split)
        return np.array([f.beta for f in fits]), np.array([f.residual for f in fits])
