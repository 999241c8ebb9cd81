"""One discrete problem, solved by the bottleneck and by the variational objectives: what each bound costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..bottleneck import Joint, curve
from ..data import Task
from ..results import provenance
from ..variational import (
    CEB,
    VIB,
    Dense,
    DualVIB,
    Fitted,
    NonlinearIB,
    Objective,
    Optimizer,
    Spread,
    SquaredVIB,
    Teacher,
    fit,
    table_solution,
)
from .base import Claim, Experiment, Run, sizes
from .known_joints import three_by_three
from .tightness_claims import claims_of
from .tightness_figures import gaps, plane
from .tightness_gaps import beta_of, measured, optimum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("VIB", "CEB", "DualVIB", "SquaredVIB", "NonlinearIB")
_BETAS = {"SquaredVIB": (2.3, 3.2, 4.7, 10.0, 20.0)}  # its informations at these are those of the others at 4 to 10
_PLAIN = (4.0, 5.0, 7.0, 10.0, 20.0)
_TOTAL = 36  # the joint is made of thirty-sixths
_STARTS = 24  # of the tables: near its onset the dual has local minima that four starts do not leave
_BY_TABLE = ("VIB", "CEB", "DualVIB", "SquaredVIB")


class Size(NamedTuple):
    """How much is trained and measured.

    Attributes:
        every: which of the betas.
        copies: of the 36 equally likely pairs (x, y), in the one batch.
        epochs: full-batch steps.
        draws: of z for every state, in measuring.
    """

    every: int
    copies: int
    epochs: int
    draws: int


class VariationalTightness(Experiment):
    """A joint of three inputs and three labels, whose optimal curve is known to a certificate.

    Each objective is minimised twice: with tables for encoder, decoder and priors, by exact derivatives; and with
    networks, two dense layers of 32 units on one-hot inputs, two normal latent variables, a linear classifier, a
    trained normal marginal and a normal law a class. Of the networks' encoders I(X;Z) and I(Z;Y) are those of a mixture
    of three normal laws, from draws of z. What a loss has above its least value is split into what the prior, the
    decoder and the encoder miss. The dual's noise model is p(y|x), its rate the marginal one.
    """

    name = "variational-tightness"
    title = "What the variational bounds cost"
    source = "derived; our own problem"
    unit = "repetitions"
    seeds = 5
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        joint = three_by_three()
        size = sizes(run, Size(1, 10, 3000, 20_000), Size(2, 5, 400, 4000))
        chosen = objectives(joint, size.every)
        return {
            "curve": run.table("curve", lambda: curve(joint)),
            "tables": run.table("tables", lambda: _tables(joint, chosen)),
            "networks": run.table("networks", lambda: _networks(run, joint, chosen, size)),
        }

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_of(datasets)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        return {"plane": plane(datasets), "gaps": gaps(datasets["networks"])}


def objectives(joint: Joint, every: int) -> dict[str, list[Objective]]:
    """By name, over beta; every so many betas of the list, the largest among them."""
    logs = jnp.asarray(np.log(joint.p_y_given_x), jnp.float32)
    truth = Teacher(lambda x: x @ logs)
    makers = {
        "VIB": VIB,
        "CEB": CEB,
        "DualVIB": lambda beta: DualVIB(beta, rate="marginal", labels=truth),
        "SquaredVIB": SquaredVIB,
        "NonlinearIB": NonlinearIB,
    }
    return {name: [makers[name](beta) for beta in _BETAS.get(name, _PLAIN)[::every]] for name in NAMES}


def task_of(joint: Joint, copies: int) -> Task:
    """One-hot inputs and labels, as often as they are likely: their frequencies are the joint itself."""
    counts = np.rint(joint.table * _TOTAL).astype(int) * copies
    x, y = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    return Task(np.eye(len(joint.p_x), dtype=np.float32)[x], y, "three-by-three", train=np.ones(len(y), bool))


def _tables(joint: Joint, chosen: Mapping[str, list[Objective]]) -> xr.Dataset:
    """(objective, point): the optimum by the solver, and what tables trained by gradient reach."""
    rows = []
    for name in _BY_TABLE:
        for one in chosen[name]:
            best, found = optimum(one, joint), table_solution(one, joint, starts=_STARTS)
            rows.append([best.mi_input, best.mi_target, found.mi_input, found.mi_target])
    values = np.array(rows).reshape(len(_BY_TABLE), -1, 4)
    names = ("optimum_input", "optimum_target", "table_input", "table_target")
    variables = {name: (("objective", "point"), values[..., k], {"unit": "nats"}) for k, name in enumerate(names)}
    return _table(variables, chosen, _BY_TABLE)


def _networks(run: Run, joint: Joint, chosen: Mapping[str, list[Objective]], size: Size) -> xr.Dataset:
    """(objective, point, seed): true informations, bounds and the parts of the gap."""
    seeds = range(run.seeds)
    fitted = _fitted([one for name in NAMES for one in chosen[name]], task_of(joint, size.copies), seeds, size, run)
    best = {name: [optimum(one, joint) for one in chosen[name]] for name in NAMES}
    found = [
        [
            [measured(fitted, one, seed, joint, size.draws, least.loss) for seed in seeds]
            for one, least in zip(chosen[name], best[name], strict=True)
        ]
        for name in NAMES
    ]
    variables: dict[str, Any] = {
        name: (("objective", "point", "seed"), [[[m[name] for m in row] for row in rows] for rows in found],
               {"unit": "nats"})
        for name in found[0][0][0]
    }  # fmt: skip
    for name in ("mi_input", "mi_target"):
        values = [[getattr(one, name) for one in row] for row in best.values()]
        variables[f"optimum_{name}"] = (("objective", "point"), values, {"unit": "nats"})
    # Named apart from a plane's: these are values of the encoders themselves, not a plane's bounds.
    renamed = {"mi_input": "true_input", "mi_target": "true_target", "mi_input_stderr": "true_input_stderr",
               "mi_target_stderr": "true_target_stderr"}  # fmt: skip
    return _table({renamed.get(name, name): v for name, v in variables.items()}, chosen, NAMES)


def _fitted(chosen: list[Objective], task: Task, seeds: range, size: Size, run: Run) -> Fitted:
    return fit(
        chosen,
        task,
        encoder=Dense((32, 32)),
        latent=2,
        spread=Spread(0.0, 1e-3),
        trained_marginal=True,
        seed=seeds,
        epochs=size.epochs,
        batch_size=len(task.y),
        optimizer=Optimizer(1e-2, shrink=0.5, every=max(1, size.epochs // 6)),
        polyak=0.99,
        draws=4,
        checkpoint_epochs=[size.epochs],
        progress=run.progress,
    )


def _table(
    variables: Mapping[str, object], chosen: Mapping[str, list[Objective]], names: tuple[str, ...]
) -> xr.Dataset:
    betas = np.array([[beta_of(one) for one in chosen[name]] for name in names])
    return xr.Dataset(
        dict(variables),
        {"objective": list(names), "beta": (("objective", "point"), betas)},
        provenance(problem="three-by-three", method="variational objectives"),
    )
