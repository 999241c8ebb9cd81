"""Trained models: their results, what they make of inputs, and their file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr

from ..errors import InputError
from ..recordings.layout import read_npz, write_npz
from ..results import load, save
from ..samples import whole
from . import terms
from .model import Gaussians, Model
from .objectives import Objective
from .program import Program, applied
from .writing import read_program, written_program

_AT_ONCE = 2000  # samples
_DRAWS_AT_ONCE = 100_000  # of z
_RESULT, _MODELS = "plane.nc", "models.npz"


@dataclass(frozen=True, eq=False)
class Fitted:
    """Models of some objectives and seeds, after training; :func:`fit` makes it.

    Attributes:
        dataset: over (objective, beta, seed, epoch, split): the plane, rates, distortions, accuracy.
        programs: how they were trained; objectives that draw z in one way share one.
        seeds: of the models.
        models: trained numbers by program, leading axes (seed, objective).
    """

    dataset: xr.Dataset
    programs: tuple[Program, ...]
    seeds: tuple[int, ...]
    models: tuple[Any, ...]

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives: those that draw z alike side by side, otherwise in the order they were given."""
        return tuple(one for program in self.programs for one in program.objectives)

    def __repr__(self) -> str:
        told = ", ".join(one.name for one in self.objectives)
        return f"Fitted({told}; seeds {', '.join(map(str, self.seeds))})"

    def model(self, objective: Objective | None = None, seed: int | None = None) -> Model:
        """The Equinox model of one objective and seed.

        Args:
            objective: as it was given; None where there is one alone.
            seed: of the model; None where there is one alone.

        Raises:
            InputError: more than one and none named, or none such.
        """
        program, k, row = self._place(objective, seed)
        models = self.models[self.programs.index(program)]
        numbers = jax.tree.map(lambda leaf: jnp.asarray(leaf[row, k]), models)
        return eqx.combine(numbers, program.outline()[1])

    def encode(
        self, x: Any, *, seed: int | None = 0, objective: Objective | None = None, model_seed: int | None = None
    ) -> np.ndarray:
        """(n, latent) representations.

        Args:
            x: (n, ...) inputs, as in training.
            seed: of the draw of z; None gives the means of its law.
            objective, model_seed: which model, as for :meth:`model`.
        """
        laws = self.laws(x, objective=objective, model_seed=model_seed)
        if seed is None:
            return np.asarray(laws.mean)
        noise = np.random.default_rng(whole(seed, "encode(seed)")).standard_normal(laws.mean.shape)
        return np.asarray(laws.mean) + np.asarray(laws.scale) * noise.astype(np.float32)

    def laws(self, x: Any, *, objective: Objective | None = None, model_seed: int | None = None) -> Gaussians:
        """(n, latent) means and standard deviations of the normal laws of z."""
        program, _, _ = self._place(objective, model_seed)
        model, inputs = self.model(objective, model_seed), _inputs(x, program)
        parts = [_laws(program, model, inputs[k : k + _AT_ONCE]) for k in range(0, len(inputs), _AT_ONCE)]
        return Gaussians(*(np.concatenate([np.asarray(part[i]) for part in parts]) for i in range(2)))

    def predict(
        self, x: Any, *, samples: int = 12, seed: int = 0, objective: Objective | None = None,
        model_seed: int | None = None,
    ) -> np.ndarray:  # fmt: skip
        """(n, classes) probabilities of the objective's classifier, averaged over draws of z.

        Args:
            x: (n, ...) inputs, as in training.
            samples: draws of z; 0 classifies the mean of z.
            seed: of the draws.
            objective, model_seed: which model, as for :meth:`model`.
        """
        model, key = self.model(objective, model_seed), jr.key(whole(seed, "predict(seed)"))
        laws = self.laws(x, objective=objective, model_seed=model_seed)
        draws = whole(samples, "predict(samples)")
        rows = max(1, _DRAWS_AT_ONCE // max(draws, 1))
        found = [
            _predicted(model, Gaussians(laws.mean[first : first + rows], laws.scale[first : first + rows]),
                       jr.fold_in(key, first), draws)
            for first in range(0, len(laws.mean), rows)
        ]  # fmt: skip
        return np.concatenate([np.asarray(part) for part in found])

    def save(self, path: str | Path) -> None:
        """Write results (``plane.nc``) and models (``models.npz``, last) into a folder.

        Raises:
            InputError: an objective that cannot be written down, such as one with a function, or a path that cannot.
        """
        leaves = {
            f"{g}/{i}": np.asarray(leaf) for g, models in enumerate(self.models)
            for i, leaf in enumerate(jax.tree.leaves(models))
        }  # fmt: skip
        header = {"seeds": self.seeds, "programs": [written_program(program) for program in self.programs]}
        folder = Path(path)
        save(self.dataset, folder / _RESULT)
        try:
            write_npz(folder / _MODELS, {"header": np.asarray(json.dumps(header)), **leaves})
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None

    @classmethod
    def load(cls, path: str | Path) -> Fitted:
        """What :meth:`save` wrote.

        Raises:
            InputError: no such folder, or one that holds something else.
        """
        folder = Path(path)
        if not (folder / _MODELS).is_file():
            raise InputError(f"{path} holds no fitted models; Fitted.save and fit(path=...) write such folders.")
        arrays = read_npz(folder / _MODELS)
        header = json.loads(str(arrays["header"]))
        programs = tuple(read_program(written) for written in header["programs"])
        models = tuple(_filled(program, arrays, g) for g, program in enumerate(programs))
        return cls(load(folder / _RESULT), programs, tuple(header["seeds"]), models)

    def _place(self, objective: Objective | None, seed: int | None) -> tuple[Program, int, int]:
        chosen = _one(self.objectives, objective, "objective", [one.name for one in self.objectives])
        number = _one(self.seeds, seed, "seed", [str(one) for one in self.seeds])
        program = next(program for program in self.programs if chosen in program.objectives)
        return program, program.objectives.index(chosen), self.seeds.index(number)


def _one(have: Sequence[Any], wanted: Any, what: str, names: list[str]) -> Any:
    if wanted is None and len(have) == 1:
        return have[0]
    if wanted is None or wanted not in have:
        given = "none was named" if wanted is None else f"got {getattr(wanted, 'name', wanted)}"
        argument = "objective=" if what == "objective" else "model_seed="
        raise InputError(f"These models have the {what}s {', '.join(names)}; name one with {argument}..., {given}.")
    return wanted


def _inputs(x: Any, program: Program) -> np.ndarray:
    values = np.asarray(x, np.float32)
    if values.ndim < 1 or values.shape[1:] != program.shape:
        flat = int(np.prod(program.shape))
        if values.ndim >= 2 and values[0].size == flat:
            return values.reshape(len(values), *program.shape)
        wanted = ", ".join(map(str, program.shape))
        raise InputError(f"These models take inputs of shape (n, {wanted}), got {np.shape(x)}.")
    if not len(values):
        raise InputError("These models need one input at least, got none.")
    if not np.isfinite(values).all():
        raise InputError("These models need finite inputs, got nan or infinity.")
    return values


@eqx.filter_jit
def _laws(program: Program, model: Model, x: Any) -> Gaussians:
    return program.laws(model, jnp.asarray(x))


@eqx.filter_jit
def _predicted(model: Model, laws: Gaussians, key: jax.Array, draws: int) -> jax.Array:
    """(n, classes) averaged probabilities."""
    mean, scale = (jnp.asarray(part) for part in laws)
    z = mean + scale * jr.normal(key, (draws, *mean.shape)) if draws else mean[None]
    return jnp.exp(terms.predictive(applied(model.classifier, z)))


def _filled(program: Program, arrays: dict[str, np.ndarray], group: int) -> Any:
    like, _ = program.outline()
    leaves, structure = jax.tree.flatten(like)
    return jax.tree.unflatten(structure, [arrays[f"{group}/{i}"] for i in range(len(leaves))])
