"""The arms of ``lossy-mnist``: which noise, which schedule, how many networks; and their training."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from ..data import Task, mnist
from ..progress import Progress, silent
from .lossy_cnn import Network, Noise, images
from .lossy_training import Schedule, Trained, root_mean_squares, train

MEAN, STD = 0.1307, 0.3081  # of the pixels, as the published code has them
PRODUCT = 300 * 59 * 1e-5  # rate times steps of the published schedule
_MARKS = 300  # snapshots after the first one, evenly in rate times steps
AUTHORS, OURS, FAST = "authors", "ours", "authors' noise, fast"


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Attributes:
        train, test: images.
        batch: an update.
        speed: how many times fewer steps, and a greater rate, than the arms have.
        snapshots: of "ours" that are measured; frozen: with frozen components; sweep: of every arm of the sweeps.
        published: of "authors"; beside: with the other estimators.
        code_steps: updates of the input compressor.
    """

    train: int = 60_000
    test: int = 10_000
    batch: int = 1024
    speed: float = 1.0
    snapshots: int = 51
    frozen: int = 11
    sweep: int = 7
    published: int = 301
    beside: int = 16
    code_steps: int = 4000


FULL = Size()
QUICK = Size(
    train=2_000,
    test=500,
    batch=100,
    speed=30.0,
    snapshots=5,
    frozen=3,
    sweep=2,
    published=5,
    beside=3,
    code_steps=100,
)


@dataclass(frozen=True)
class Arm:
    """Networks that differ in their seed alone.

    Attributes:
        name: of the arm.
        noise: what they run with.
        rate: of Adam; the number of steps follows, since rate times steps is the same in all arms.
        seeds: how many; 0 for as many as the run asks for.
    """

    name: str
    noise: Noise = field(default_factory=Noise)
    rate: float = 1e-4
    seeds: int = 1


PILOT = Arm("no noise", Noise(), 3e-4)
ARMS = (
    Arm(OURS, Noise("output", ratio=0.1), 1e-4, 0),
    PILOT,
    Arm("added, 0.03", Noise("output", ratio=0.03), 3e-4),
    Arm("added, 0.1", Noise("output", ratio=0.1), 3e-4),
    Arm("added, 0.3", Noise("output", ratio=0.3), 3e-4),
    Arm("added, 1", Noise("output", ratio=1.0), 3e-4),
    Arm("added, 0.1 of start", Noise("output", ratio=0.1, reference="start"), 1e-4),
    Arm("multiplied, 0.001", Noise("input", sigma=1e-3), 3e-4),
    Arm("multiplied, 0.1", Noise("input", sigma=0.1), 3e-4),
    Arm(FAST, Noise("input", sigma=1e-3), 1e-4),
    Arm(AUTHORS, Noise("input", sigma=1e-3), 1e-5),
)
SWEEP = tuple(arm.name for arm in ARMS if arm.name not in (OURS, FAST, AUTHORS))


@dataclass(frozen=True, eq=False)
class Images:
    """MNIST as the network takes it.

    Attributes:
        network: what is trained on them.
        train, test: the tasks.
        x_train, x_test: (n, 1, 28, 28) normalised.
    """

    network: Network
    train: Task
    test: Task
    x_train: torch.Tensor
    x_test: torch.Tensor


def load(size: Size) -> Images:
    """The first images of both parts."""
    train, test = mnist("train").take(np.arange(size.train)), mnist("test").take(np.arange(size.test))
    return Images(Network(), train, test, images(train.x, MEAN, STD), images(test.x, MEAN, STD))


def schedule(arm: Arm, size: Size) -> Schedule:
    """Marks lie evenly in rate times steps, at most one a step."""
    rate = arm.rate * size.speed
    steps = round(PRODUCT / rate)
    marks = np.unique(np.round(np.linspace(0, steps, _MARKS + 1)).astype(int))
    return Schedule(rate, steps, tuple(marks.tolist()), size.batch)


def trained(
    arm: Arm, seed: int, data: Images, size: Size, *, path: Path | None = None, progress: Progress = silent
) -> Trained:
    """Train, or find trained, one network of an arm; and the pilot run first, where its noise needs one."""
    file = None if path is None else path / _file(arm, seed)
    noise = arm.noise
    if noise.where == "output":
        if noise.reference == "trained":
            weights = trained(PILOT, 0, data, size, path=path, progress=progress).weights[-1]
        else:
            weights = data.network.start(seed)
        found = root_mean_squares(data.network, weights, data.x_train)
        noise = replace(noise, sigmas=tuple(noise.ratio * value for value in found))
    plan = schedule(arm, size)
    return train(data.network, data.x_train, data.train.y, noise, plan, seed=seed, path=file, progress=progress)


def _file(arm: Arm, seed: int) -> str:
    name = "".join(c if c.isalnum() or c in ".-" else "-" if c == " " else "" for c in arm.name)
    return f"{name}-{seed}.npz"
