"""Training from checkpoint to checkpoint: measured, kept on disk, stopped where nothing more is gained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..recordings.layout import read_npz, write_npz
from ..rows import fingerprint
from . import evaluation, objectives
from .program import Data, Program, State
from .writing import written_program

Row = dict[str, np.ndarray]
"""By "split/name", (seed, objective) numbers of one checkpoint."""


class Lost(Exception):
    """A loss, or a trained number, is no longer finite.

    Attributes:
        whose: the models, in words.
        epoch: in which it was lost.
        models: trained numbers at the last checkpoint before, leading axes (seed, objective).
        good: the epoch of that checkpoint.
        table: what was measured up to it.
    """

    def __init__(self, whose: str, epoch: int, models: Any, good: int, table: Table) -> None:
        super().__init__(whose)
        self.whose, self.epoch, self.models, self.good, self.table = whose, epoch, models, good, table


@dataclass(frozen=True)
class Parts:
    """A task's training and test parts, and the number of classes."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int

    def digest(self) -> str:
        """What tells these samples from others of the same name."""
        parts = (self.x, self.y, self.x_test, self.y_test)
        return " ".join(f"{values.shape} {fingerprint(values).hex()}" for values in parts)


class Best(NamedTuple):
    """With patience: the models at their best checkpoints, and what they reached on the samples held out."""

    models: Any
    loss: np.ndarray
    epoch: np.ndarray
    stale: np.ndarray


class Table(NamedTuple):
    """What was measured: a row a checkpoint, and with patience the (seed, objective) epochs of the best."""

    rows: list[Row]
    best_epoch: np.ndarray | None


class Run:
    """Training and measuring of any program on one task."""

    def __init__(
        self, parts: Parts, seeds: tuple[int, ...], marks: np.ndarray, draws: int, patience: int | None,
        progress: Progress,
    ) -> None:  # fmt: skip
        held = max(2, len(parts.y) // 10) if patience else 0  # the last tenth decides when to stop
        cut = len(parts.y) - held
        self._data = Data(jnp.asarray(parts.x[:cut]), jnp.asarray(parts.y[:cut], jnp.int32))
        splits = {"train": (parts.x[:cut], parts.y[:cut]), "test": (parts.x_test, parts.y_test)}
        self._splits = {name: part for name, part in splits.items() if len(part[1])}
        self._held = (parts.x[cut:], parts.y[cut:]) if held else None
        self._p_y = np.bincount(parts.y[:cut], minlength=parts.classes) / cut
        self._seeds, self._marks, self._draws = seeds, marks, draws
        self._patience, self._progress = patience, progress

    @property
    def told(self) -> dict[str, Any]:
        """Attributes of the result: splits, their sizes and entropies."""
        sizes = {f"n_{name}": len(y) for name, (_, y) in self._splits.items()}
        entropies = {f"entropy_target_{name}": entropy(y) for name, (_, y) in self._splits.items()}
        return {**sizes, **entropies, "ceiling_mi_target": max(entropies.values()), "test_draws": self._draws}

    def train(self, program: Program, store: Store | None) -> tuple[Any, Table]:
        """The models at the last (with patience: their best) checkpoint, and what was measured."""
        state, rows = program.initial(self._seeds, len(self._data.y)), []
        best = self._nothing(state) if self._patience else None
        if store is not None and (kept := store.resume((state, best), len(self._seeds))) is not None:
            (state, best), rows = kept
        good = jax.tree.map(np.array, state.used)  # copies: training reuses the memory
        while len(rows) < len(self._marks) and not (best is not None and best.stale >= (self._patience or 0)):
            start, stop = int(self._marks[max(len(rows) - 1, 0)]), int(self._marks[len(rows)])
            for epoch in range(start, stop):
                state, losses = program.advance(state, self._data, self._seeds, epoch, epoch + 1)
                self._check(program, np.isfinite(np.asarray(losses)), epoch + 1, good, start, rows)
            row = self._measured(program, state)
            self._check(program, np.isfinite(row["train/loss"]) & _finite(state.used), stop, good, start, rows)
            good = jax.tree.map(np.array, state.used)
            rows.append(row)
            best = None if best is None else self._better(program, best, state, stop)
            if store is not None:
                store.keep((state, best), rows)
            self._progress("training", stop, int(self._marks[-1]))
        if best is None:
            return good, Table(rows, None)
        self._progress("training", int(self._marks[-1]), int(self._marks[-1]))
        return best.models, Table(rows, best.epoch)

    def _measured(self, program: Program, state: State) -> Row:
        weights = objectives.stacked(program.objectives, int(state.step))
        row = {}
        for number, (name, (x, y)) in enumerate(self._splits.items()):
            found = evaluation.evaluate(program, state, x, y, self._p_y, self._draws, seed=number)
            told = evaluation.summarised(found, entropy(y), weights)
            row |= {f"{name}/{key}": value for key, value in told.items()}
        return row

    def _check(self, program: Program, fine: np.ndarray, epoch: int, good: Any, start: int, rows: list[Row]) -> None:
        """Stop where a model, of (seed, objective) ``fine``, is lost after an epoch; ``good`` is of ``start``."""
        if fine.all():
            return
        places = [
            f"{program.objectives[k].name} with seed {self._seeds[s]}" for s, k in np.argwhere(~fine)[:3].tolist()
        ]
        if not rows:
            raise InputError(
                f"The loss of {', '.join(places)} is not finite before training: scale the inputs, as to [0, 1], or "
                "give Spread a least scale above 0."
            )
        raise Lost(", ".join(places), epoch, good, start, Table(rows, None))

    def _nothing(self, state: State) -> Best:
        shape = jax.tree.leaves(state.used)[0].shape[:2]
        return Best(jax.tree.map(np.array, state.used), np.full(shape, np.inf), np.zeros(shape, int), np.zeros((), int))

    def _better(self, program: Program, best: Best, state: State, epoch: int) -> Best:
        assert self._held is not None
        x, y = self._held
        weights = objectives.stacked(program.objectives, int(state.step))
        found = evaluation.evaluate(program, state, x, y, self._p_y, self._draws, seed=len(self._splits))
        loss = evaluation.summarised(found, entropy(y), weights)["loss"]
        gained = loss < best.loss

        def chosen(old: Any, new: Any) -> np.ndarray:
            return np.where(gained.reshape(*gained.shape, *[1] * (np.ndim(new) - 2)), new, old)

        return Best(
            jax.tree.map(chosen, best.models, state.used),
            np.where(gained, loss, best.loss),
            np.where(gained, epoch, best.epoch),
            np.asarray(0 if gained.any() else int(best.stale) + 1),
        )


def _finite(models: Any) -> np.ndarray:
    """(seed, objective) booleans: all trained numbers are finite."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(models)]
    return np.logical_and.reduce([np.isfinite(leaf).reshape(*leaf.shape[:2], -1).all(axis=-1) for leaf in leaves])


class Store:
    """The state to continue from, with all that was measured, in one file."""

    def __init__(self, path: Path, identity: dict[str, Any], program: Program) -> None:
        self._path = path
        self._identity = json.dumps([identity, written_program(program)])

    def keep(self, state: tuple[State, Best | None], rows: list[Row]) -> None:
        """Write it all, whole or not at all."""
        leaves = {f"state/{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        tables = {f"table/{name}": np.stack([row[name] for row in rows]) for name in rows[0]}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_npz(self._path, {"identity": np.asarray(self._identity), **leaves, **tables})
        except OSError as error:
            raise InputError(f"{self._path} cannot be written: {error.strerror or error}.") from None

    def resume(self, like: tuple[State, Best | None], seeds: int) -> tuple[tuple[State, Best | None], list[Row]] | None:
        """The state and the rows before it; None where there is no file.

        Raises:
            InputError: a file of another training.
        """
        if not self._path.exists():
            return None
        kept = read_npz(self._path)
        if str(kept.get("identity")) != self._identity:
            raise InputError(f"{self._path.parent} holds another training; choose another folder.")
        leaves, structure = jax.tree.flatten(like)
        state = jax.tree.unflatten(structure, [jnp.asarray(kept[f"state/{i}"]) for i in range(len(leaves))])
        names = [name for name in kept if name.startswith("table/")]
        count = len(kept[names[0]])
        rows = [{name.removeprefix("table/"): kept[name][place] for name in names} for place in range(count)]
        return state, rows


def entropy(labels: np.ndarray) -> float:
    """H(Y) of the labels' frequencies, in nats."""
    share = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(share * np.log(share)).sum())
