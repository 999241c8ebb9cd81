"""Train networks for the bottleneck: many objectives, trade-offs and seeds, resumed after a kill."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Task
from ..errors import InputError
from ..progress import Progress, silent
from ..recordings.schedule import log_spaced
from ..samples import is_real, is_whole, whole
from .encoders import Dense, Encoder
from .fitted import Fitted
from .label_noise import checked_labels
from .model import Spread
from .objectives import Objective
from .planes import place, plane
from .program import Optimizer, Program
from .running import Lost, Parts, Run, Store, Table
from .writing import written_program

__all__ = ["DivergedError", "fit"]

_GOOD = "last-good"  # folder within the run's own, of the models before a loss was lost


class DivergedError(InputError):
    """A loss stopped being a number.

    Attributes:
        fitted: the models at the last good checkpoint, with all that was measured until then; where some kinds of
            objectives were trained before, they are there as well.
        epoch: that checkpoint.
    """

    def __init__(self, message: str, fitted: Fitted, epoch: int) -> None:
        super().__init__(message)
        self.fitted, self.epoch = fitted, epoch


def fit(
    objective: Objective | Sequence[Objective],
    task: Task | tuple[Any, Any],
    *,
    encoder: Encoder | None = None,
    latent: int = 32,
    spread: Spread = Spread(),  # noqa: B008 - an immutable setting
    trained_marginal: bool = False,
    seed: int | Sequence[int] = 0,
    epochs: int = 20,
    batch_size: int = 100,
    optimizer: Optimizer = Optimizer(),  # noqa: B008 - an immutable setting
    polyak: float = 0.999,
    draws: int = 1,
    test_draws: int = 12,
    train_fraction: float = 0.8,
    patience: int | None = None,
    checkpoint_epochs: int | Sequence[int] = 10,
    path: str | Path | None = None,
    progress: Progress = silent,
) -> Fitted:
    """Train encoders for an objective, or for many at once, and measure what their representation knows.

    All objectives and seeds are trained in one compiled loop. A seed decides the first weights, the batches and the
    noise, so that the objectives of one seed are compared on equal terms. Beside what the objective asks for, every
    model fits the laws b(z|y) of its classes and a read-out of z, without a say in the encoder: both rates, the mixture
    prior and an honest I(Z;Y) are there whatever is trained.

    Memory: all models of a kind are trained at once, and each holds five arrays of the size of its weights (weights,
    their average, a gradient, two moments of Adam) beside the activations of its batch.

    Args:
        objective: ``VIB(beta=...)`` and so on, or several.
        task: a classification task; its own test part is used where it has one. Or (x, y): (n, ...) inputs and (n,)
            labels 0, 1, ...
        encoder: ``Dense((256, 256))`` if None.
        latent: dimensions of z.
        spread: how a standard deviation is made of the encoder's output.
        trained_marginal: whether m(z) is trained; N(0, I) otherwise.
        seed: of the weights, the batches and the noise; several for that many models of each objective.
        epochs: passes over the training part.
        batch_size: samples a step.
        optimizer: Adam's settings.
        polyak: decay of the running average of the weights, which measurements use; 0 for none.
        draws: of z for every sample, in training.
        test_draws: of z, for measurements and averaged predictions.
        train_fraction: share of the samples trained on, where the task comes without a split.
        patience: stop when for so many checkpoints no model's loss has fallen on a tenth of the training part that is
            then held out; every model keeps its best checkpoint. None trains to the end.
        checkpoint_epochs: how many log-spaced checkpoints are measured, or the epochs; 0 and the last always are.
        path: folder; an interrupted run continues from its last checkpoint when called again with the same arguments,
            and a finished one is read. None keeps everything in memory.
        progress: called with (stage, epochs done, all).

    Returns:
        Fitted; its ``dataset`` is over (objective, beta, seed, epoch, split).

    Raises:
        InputError: labels or settings that do not fit, or a folder that holds something else.
        DivergedError: a loss that is no longer finite; its attribute ``fitted`` has the models of the last good
            checkpoint, which a folder keeps as well, in ``last-good``.
    """
    started = time.perf_counter()
    objectives = (objective,) if isinstance(objective, Objective) else tuple(objective)
    seeds = _seeds(seed)
    task = _task(task)
    parts = _parts(task, objectives, train_fraction)
    _check_numbers(latent, epochs, batch_size, draws, test_draws, polyak, patience)
    spread = Spread(*spread)
    if not all(is_real(one) and math.isfinite(one) for one in spread) or spread.least < 0:
        raise InputError(f"fit needs a spread of two numbers, Spread(offset, least) with least >= 0, got {spread}.")
    settings: dict[str, Any] = {
        "encoder": Dense() if encoder is None else encoder,
        "shape": parts.x.shape[1:],
        "classes": parts.classes,
        "latent": int(latent),
        "spread": spread,
        "optimizer": optimizer,
        "batch": min(int(batch_size), len(parts.y)),
        "draws": int(draws),
        "polyak": float(polyak),
        "trained_marginal": bool(trained_marginal),
    }
    kinds = itertools.groupby(sorted(objectives, key=_kind), key=_kind)
    programs = tuple(Program(tuple(group), **settings) for _, group in kinds)
    marks = _marks(epochs, checkpoint_epochs)
    identity = {
        "task": task.name, "data": parts.digest(), "n": len(parts.y), "seeds": seeds, "marks": marks.tolist(),
        "patience": patience, "test_draws": test_draws,
    }  # fmt: skip
    folder = None if path is None else Path(path)
    if folder is not None and (found := _finished(folder, programs, identity)) is not None:
        return found
    run = Run(parts, seeds, marks, int(test_draws), patience, progress)
    told = {"identity": json.dumps(identity), **run.told, "epochs": int(epochs)}
    trained: list[tuple[Any, Table]] = []

    def fitted() -> Fitted:
        models, tables = zip(*trained, strict=True)
        those = programs[: len(models)]
        dataset = plane(those, tables, marks, seeds, {**told, "wall_time": time.perf_counter() - started})
        return Fitted(dataset, those, seeds, models)

    for number, program in enumerate(programs):
        store = None if folder is None else Store(folder / f"training-{number}.npz", identity, program)
        try:
            trained.append(run.train(program, store))
        except Lost as lost:
            trained.append((lost.models, lost.table))
            raise _diverged(lost, fitted(), folder) from None
    found = fitted()
    if folder is not None:
        found.save(folder)
    return found


def _diverged(lost: Lost, fitted: Fitted, folder: Path | None) -> DivergedError:
    """The error to raise, the last good models kept."""
    said = f"The loss of {lost.whose} is no longer finite in epoch {lost.epoch}."
    fitted.dataset.attrs |= {"diverged": said, "last_good_epoch": lost.good}
    kept, elsewhere = "in this error's attribute fitted", ""
    if folder is not None:
        try:
            fitted.save(folder / _GOOD)
            kept, elsewhere = f"in {folder / _GOOD} (Fitted.load reads it)", ", in another folder"
        except InputError as error:
            kept += f", but not on disk: {str(error).removesuffix('.')}"
    return DivergedError(
        f"{said} The last good checkpoint, epoch {lost.good}, is kept {kept}. Try a lower learning rate, a larger "
        f"least scale (spread), or a smaller beta{elsewhere}.",
        fitted,
        lost.good,
    )


def _kind(objective: Objective) -> str:
    """Objectives of one kind are trained together: those that draw z in the same way."""
    return f"{objective.latent} {objective.uses_kernel}"


def _seeds(seed: Any) -> tuple[int, ...]:
    values = (seed,) if is_whole(seed) else tuple(seed) if isinstance(seed, list | tuple | range | np.ndarray) else ()
    numbers = tuple(whole(one, "fit(seed)") for one in values)
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"fit needs seed as a whole number, or several different ones, got {seed!r}.")
    return numbers


def _task(given: Any) -> Task:
    """The task, or that of samples (x, y)."""
    if isinstance(given, tuple) and len(given) == 2:
        return Task(np.asarray(given[0]), np.asarray(given[1]), "samples")
    if not isinstance(given, Task):
        raise InputError(
            f"fit needs samples (x, y), or a Task, such as infoplane.data.mnist('all') or Task(x, y, name), got "
            f"{given!r:.60}."
        )
    return given


def _parts(task: Task, objectives: tuple[Objective, ...], fraction: float) -> Parts:
    if not objectives or not all(isinstance(one, Objective) for one in objectives):
        raise InputError(f"fit needs an objective such as VIB(beta=100), or a list of them, got {objectives!r:.80}.")
    if len(set(objectives)) < len(objectives):
        raise InputError("fit needs objectives that differ; two of these are the same.")
    places = [place(one) for one in objectives]
    if alike := [one.name for one, here in zip(objectives, places, strict=True) if places.count(here) > 1]:
        raise InputError(
            f"fit needs objectives with names that differ, by which results tell them apart; {len(alike)} are called "
            f"{alike[0]}. A Teacher is called after its function."
        )
    labels = np.asarray(task.y)
    if labels.dtype.kind not in "iub" or labels.ndim != 1 or not len(labels):
        raise InputError(
            f"fit needs whole numbers 0, 1, ... as labels, (n,), got {labels.dtype} of shape {labels.shape}. Classes "
            "of any other kind are numbered by numpy.unique(y, return_inverse=True)[1]."
        )
    classes = int(labels.max()) + 1
    if len(np.unique(labels)) < 2:
        raise InputError(f"fit needs two classes or more; all {len(labels)} labels are {labels[0]}.")
    labels = checked_labels(labels, classes, "fit")
    x = np.asarray(task.x, np.float32)
    if len(x) != len(labels) or not np.isfinite(x).all():
        raise InputError(f"fit needs a finite input for each of {len(labels)} labels, got {x.shape}, or nan.")
    kind = "stratified" if task.train is None else "own"
    train, test = task.split(1.0 if kind == "own" else fraction, seed=0, kind=kind)
    if lacking := sorted(set(range(classes)) - set(labels[train].tolist())):
        raise InputError(
            f"fit needs training samples of every class 0..{classes - 1}; there are none of {lacking[:5]}. Number the "
            "classes anew, as numpy.unique(y, return_inverse=True)[1] does, or leave out test samples of other classes."
        )
    return Parts(x[train], labels[train], x[test], labels[test], classes)


def _check_numbers(
    latent: Any, epochs: Any, batch: Any, draws: Any, test_draws: Any, polyak: Any, patience: Any
) -> None:
    counts = {"latent": latent, "epochs": epochs, "batch_size": batch, "draws": draws, "test_draws": test_draws}
    for name, value in (counts if patience is None else {**counts, "patience": patience}).items():
        if not is_whole(value) or value < 1:
            raise InputError(f"fit needs {name} as a whole number, 1 or more, got {value!r}.")
    if not is_real(polyak) or not 0.0 <= polyak < 1.0:
        raise InputError(f"fit needs polyak in [0, 1), the decay of the average of the weights, got {polyak!r}.")


def _marks(epochs: int, wanted: int | Sequence[int]) -> np.ndarray:
    """The epochs at which everything is measured."""
    if is_whole(wanted):
        return np.asarray(log_spaced(epochs, int(wanted)))  # type: ignore[arg-type]
    marks = np.unique([whole(one, "fit(checkpoint_epochs)") for one in [0, *wanted, epochs]])  # type: ignore[misc]
    if marks[-1] > epochs:
        raise InputError(f"fit needs checkpoint_epochs up to the last epoch, {epochs}, got {marks[-1]}.")
    return marks


def _finished(folder: Path, programs: tuple[Program, ...], identity: dict[str, Any]) -> Fitted | None:
    """What an earlier call with the same arguments ended with.

    Raises:
        InputError: the folder holds other models.
    """
    try:
        found = Fitted.load(folder)
    except InputError:
        return None
    if "diverged" in found.dataset.attrs:
        raise InputError(f"{folder} holds the last good models of a run that diverged; choose another folder.")
    same = [written_program(one) for one in found.programs] == [written_program(one) for one in programs]
    if not same or json.loads(str(found.dataset.attrs["identity"])) != json.loads(json.dumps(identity)):
        raise InputError(f"{folder} holds models that were trained otherwise; choose another folder.")
    return found
