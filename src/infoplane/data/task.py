"""A learning problem: inputs, labels, and what is known of the law behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ..samples import is_real, whole

SplitKind = Literal["stratified", "legacy", "own"]


@dataclass(frozen=True, eq=False)
class Task:
    """A learning problem on a finite set of inputs.

    Attributes:
        x: (n, dx) float32 inputs; images (n, height, width) or (n, height, width, channels).
        y: (n,) labels: integers 0..classes-1 (classification) or floats (regression).
        name: a short name, written into results.
        p_y_given_x: (n, classes) the law of the label given the input, where it is known.
        enumerated: True where ``x`` lists every input once, all equally likely; then a value computed on all of
            them is a population quantity and carries no sampling error.
        train: (n,) booleans, True for the training part of data that come with one of their own; else None.
    """

    x: np.ndarray
    y: np.ndarray
    name: str
    p_y_given_x: np.ndarray | None = None
    enumerated: bool = False
    train: np.ndarray | None = None

    def flattened(self) -> Task:
        """The same with (n, dx) inputs: what networks without convolutions take."""
        return replace(self, x=np.reshape(self.x, (len(self.x), -1)))

    def take(self, rows: Any, name: str | None = None) -> Task:
        """Some of the samples.

        Args:
            rows: their indices, or (n,) booleans.
            name: of the new task; the same name if None.

        Raises:
            InputError: rows that are neither, or that are not there.
        """
        chosen = np.asarray(rows)
        n = len(self.y)
        fits = chosen.ndim == 1 and (
            chosen.shape == (n,)
            if chosen.dtype == bool
            else chosen.dtype.kind in "iu" and (chosen.size == 0 or (chosen.min() >= 0 and chosen.max() < n))
        )
        if not fits:
            raise InputError(
                f"take needs indices in 0..{n - 1}, or {n} booleans, got {chosen.dtype} of shape {chosen.shape}."
            )
        some = {
            part: None if (values := getattr(self, part)) is None else values[chosen]
            for part in ("x", "y", "p_y_given_x", "train")
        }
        return replace(self, **some, name=self.name if name is None else name, enumerated=False)

    def split(
        self, fraction: float = 0.8, seed: int = 0, kind: SplitKind = "stratified"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Indices of a training and a test part.

        Args:
            fraction: share of the samples used for training, in (0, 1]; 1 leaves the test part empty.
            seed: seed of the shuffle.
            kind: "stratified" shuffles within each label, so both parts have its frequencies; "legacy" takes the first
                rows unshuffled, as early code did. On the 12-bit task that gives p(y=1) = 0.437 in training and 0.836
                in test: only for comparison with old results. "own" takes the training part that the data come with
                (``train``), or a stratified fraction of it; at a fraction of 1 the test part is theirs.

        Returns:
            (train, test): integer arrays of ``round(fraction n)`` and the remaining indices, in random order
            ("legacy": in row order).

        Raises:
            InputError: a fraction outside (0, 1], an unknown kind, fewer than two training samples, a seed that is no
                whole number from 0 on, or data that come without a split of their own.
        """
        seed = whole(seed, "split(seed)")
        if kind == "own":
            if self.train is None:
                raise InputError(f"{self.name} comes without a split of its own; use the kind 'stratified'.")
            own = np.flatnonzero(self.train)
            chosen = self.take(own).split(fraction, seed)[0]
            rest = np.setdiff1d(np.arange(len(self.y)), own[chosen])
            return own[chosen], np.random.default_rng([seed, 0x07E5]).permutation(rest)
        n = len(self.y)
        n_train = round(fraction * n) if is_real(fraction) and 0.0 < fraction <= 1.0 else 0
        if n_train < 2:
            raise InputError(f"split needs a fraction in (0, 1] that leaves 2 samples of {n}, got {fraction!r}.")
        if kind == "legacy":
            return np.arange(n_train), np.arange(n_train, n)
        if kind != "stratified":
            raise InputError(f"split knows the kinds 'stratified', 'legacy' and 'own', got {kind!r}.")
        random = np.random.default_rng([seed, 0x5917])
        order = random.permutation(n)
        if not np.issubdtype(self.y.dtype, np.floating):
            order = order[_interleave(self.y[order])]
        return random.permutation(order[:n_train]), random.permutation(order[n_train:])


def _interleave(labels: np.ndarray) -> np.ndarray:
    """An order in which every prefix holds the labels in their overall proportions, to within one sample each."""
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(position, kind="stable")
