"""Who takes part, on which problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import infoplane as ip
from infoplane.bottleneck import Joint

from ..peers.packages import Package

GRID = np.linspace(1.2, 30, 50)


@dataclass(frozen=True)
class Solver:
    """A contestant.

    Attributes:
        shown: its name in the tables.
        function: its name in ``methods.py``.
        module: what is imported before the clock starts.
        package: where it comes from; this environment if None.
    """

    shown: str
    function: str
    module: str = "infoplane.bottleneck"
    package: Package | None = None


EMBO, DIT = (Package(name, (f"{name}=={version}",), ()) for name, version in (("embo", "1.1.0"), ("dit", "2.3")))
SOLVERS = {
    solver.function: solver
    for solver in (
        Solver("infoplane curve, certified", "our_certified"),
        Solver("infoplane curve, certify=False", "our_curve"),
        Solver("plain NumPy reverse annealing", "plain", "numpy"),
        Solver("embo, at our beta", "embo", "embo", EMBO),
        Solver("embo, at beta ln 2", "embo_scaled", "embo", EMBO),
        Solver("dit, default optimiser", "dit_optimiser", "dit", DIT),
        Solver("dit, Blahut-Arimoto", "dit_blahut_arimoto", "dit", DIT),
    )
}
OURS = ("our_certified", "our_curve", "plain")
WITH_EMBO = (*OURS, "embo", "embo_scaled")


def random_table(n_x: int, n_y: int) -> Callable[[int], np.ndarray]:
    """Uniform p(x), rows p(y|x) from a Dirichlet law of concentration 0.3, without zeros."""

    def draw(seed: int) -> np.ndarray:
        rows = np.random.default_rng(seed).dirichlet(np.full(n_y, 0.3), size=n_x) + 1e-6
        return rows / (1 + 1e-6 * n_y) / n_x

    return draw


def soft_rule(seed: int) -> np.ndarray:
    """The 12-bit task with a graded label; every round is the same."""
    del seed
    rows = ip.data.twelve_bit(gamma=0.1).p_y_given_x
    assert rows is not None
    return rows / len(rows)


def merged(table: np.ndarray) -> np.ndarray:
    """Rows with the same p(y|x) as one, which only this library does by itself."""
    sufficient = Joint(table).sufficient
    return sufficient.p_x[:, None] * sufficient.rows


@dataclass(frozen=True)
class Problem:
    """What is solved.

    Attributes:
        name: for files and ``--problems``.
        title: of its table.
        draw: table by round.
        betas: equally spaced.
        solvers: who takes part.
        rounds: how many, unless fewer are asked for.
    """

    name: str
    title: str
    draw: Callable[[int], np.ndarray]
    betas: np.ndarray
    solvers: Sequence[str]
    rounds: int = 5


PROBLEMS = (
    Problem("64x16", "random 64 x 16, 50 betas from 1.2 to 30", random_table(64, 16), GRID, WITH_EMBO),
    Problem("256x32", "random 256 x 32, 50 betas from 1.2 to 30", random_table(256, 32), GRID, WITH_EMBO),
    Problem("soft", "12-bit task, soft rule with gamma 0.1, 4096 x 2, 50 betas from 1.2 to 30; all but infoplane get "
            "only its different rows", soft_rule, GRID, WITH_EMBO),
    Problem("2000x50", "random 2000 x 50, 50 betas from 1.2 to 30", random_table(2000, 50), GRID, OURS, 2),
    Problem("8x4", "random 8 x 4, betas 2, 16 and 30", random_table(8, 4), np.array([2.0, 16.0, 30.0]),
            tuple(SOLVERS), 3),
    Problem("one", "random 64 x 16, beta 5 alone", random_table(64, 16), np.array([5.0]),
            (*WITH_EMBO, "dit_optimiser"), 1),
)  # fmt: skip
