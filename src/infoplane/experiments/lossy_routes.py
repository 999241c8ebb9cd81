"""What the experiment lossy-synthetic measures: laws, compressors, routes, each in pieces that can be told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .. import laws
from ..compressors import PCA, Autoencoder
from ..compressors.autoencoder import FittedAutoencoder
from ..compressors.residual import residual_test
from ..errors import InputError
from ..estimate import Estimate
from ..estimators import KSG, Debiased, Estimator, WeightedKL
from ..measures import mutual_information
from .lossy_tables import Findings, table

AUTHORS = WeightedKL(k=5, weights="nearest", max_norm=float("inf"))  # as the code of arXiv:2305.08013 has it
MEASURED = Debiased(WeightedKL(k=40))  # the route whose errors are held against limits
NEAREST = KSG(k=1)
ROUTES = (
    "coordinates: WeightedKL",
    "coordinates: debiased",
    "coordinates: KSG",
    "coordinates: MINE",
    "PCA codes: published weights",
    "PCA codes: WeightedKL",
    "PCA codes: debiased",
    "autoencoder codes: WeightedKL",
    "autoencoder codes: debiased",
    "images: automatic choice",
    "images: KSG",
    "images: MINE",
    "images: MINE, training pairs",
)
OURS = "our statement, on the protocol of the code of arXiv:2305.08013"
_TRAINING_SEED, _PAIRS = 10**7, 1000  # seeds of samples: those for compressors are far from those that are measured


class Size(NamedTuple):
    """How much is measured.

    Attributes:
        n: pairs of images an estimate.
        training: images a compressor learns from.
        mis: true informations for nearest neighbours.
        some: those for debiased coordinates and PCA codes, MINE and the anti-PCA law.
        few: those for raw images and latent sizes.
        automatic: those for the automatic choice, in the first repetition.
        dims: latent sizes that are compared with the one found.
        slow_seeds: repetitions of raw images; of large ones, one.
        mine_seeds: repetitions of MINE; on large images, none.
        mine_steps: updates of MINE at most, 512 pairs each.
        dimensions: columns of X and of Y of variables that are not compressed.
        trivial_n: pairs of them in ten and four dimensions.
        trivial_mis: their true informations.
        dimension_seeds: repetitions of both.
    """

    n: int
    training: int
    mis: tuple[float, ...]
    some: tuple[float, ...]
    few: tuple[float, ...]
    automatic: tuple[float, ...]
    dims: tuple[int, ...]
    slow_seeds: int
    mine_seeds: int
    mine_steps: int
    dimensions: tuple[int, ...]
    trivial_n: int
    trivial_mis: tuple[float, ...]
    dimension_seeds: int = 2


def _grid(steps: int) -> tuple[float, ...]:
    return tuple(float(v) for v in np.linspace(0.0, 10.0, steps))


_FEW = (0.0, 2.0, 6.0, 10.0)
_DIMENSIONS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 25, 30, 40)
FULL = Size(5000, 6000, _grid(41), _grid(11), _FEW, _FEW, (1, 2, 4, 8), 2, 2, 500, _DIMENSIONS, 61440, _grid(5))
QUICK = Size(1000, 2000, _grid(5), (0.0, 10.0), (0.0, 10.0), (), (1, 4), 2, 2, 100, (1, 4, 10), 2000, (0.0, 10.0))


@dataclass(frozen=True)
class Case:
    """Images of one kind and size.

    Attributes:
        name: in tables and files.
        make: the law, from its information.
        dim: numbers that an image is drawn from.
        limit: nats of mean absolute error that are asked for.
        large: too large to measure everything on the images themselves.
    """

    name: str
    make: Callable[[float], laws.Law]
    dim: int
    limit: float
    large: bool = False


CASES = tuple(
    Case(f"{title} {size}x{size}", lambda mi, make=make, size=size: make(mi, size), dim, limit, size > 16)
    for title, make, dim, limit in (
        ("Gaussian", laws.gaussian_images, 2, 0.10),
        ("rectangle", laws.rectangle_images, 4, 0.20),
    )
    for size in (16, 32)
)
ANTI_PCA = Case("anti-PCA", laws.anti_pca, 2, 0.20)


class Bench:
    """One repetition of one case: its samples, and its compressors, which are fitted once and frozen.

    The compressors learn from images that are never measured; those of X serve Y too, whose law is the same.
    """

    def __init__(self, case: Case, size: Size, seed: int) -> None:
        self.case, self.size, self.seed = case, size, seed

    @cached_property
    def _training(self) -> np.ndarray:
        return self.case.make(0.0).sample(self.size.training, _TRAINING_SEED + self.seed)[0]

    @cached_property
    def pca(self) -> Any:
        return PCA(self.case.dim).fit(self._training, seed=self.seed)

    @cached_property
    def autoencoder(self) -> FittedAutoencoder:
        """To the latent size that the images themselves suggest."""
        return Autoencoder().fit(self._training, seed=self.seed)

    def resized(self, dim: int) -> FittedAutoencoder:
        """To another latent size."""
        known = self.autoencoder
        return known if dim == known.dim else Autoencoder(dim=dim).fit(self._training, seed=self.seed)

    def sample(self, mi: float) -> tuple[np.ndarray, np.ndarray]:
        """(n, pixels) images, twice; other ones at every information."""
        return self.case.make(mi).sample(self.size.n, self._seed_of(mi))

    def coordinates(self, mi: float) -> tuple[np.ndarray, np.ndarray]:
        """(n, dim) coordinates of the same images."""
        return self.case.make(mi).latent.sample(self.size.n, self._seed_of(mi))

    def _seed_of(self, mi: float) -> int:
        return _PAIRS * (1 + self.seed) + round(40 * mi)


def neighbours(bench: Bench) -> xr.Dataset:
    """Coordinates and codes through nearest neighbours, at every information."""
    found: Findings = {}
    for mi in bench.size.mis:
        pairs, given = bench.sample(mi), bench.coordinates(mi)
        pca, code = (_coded(one, pairs) for one in (bench.pca, bench.autoencoder))
        asked: list[tuple[str, Any, Estimator | None]] = [
            ("coordinates: WeightedKL", given, WeightedKL()),
            ("coordinates: KSG", given, NEAREST),
            ("PCA codes: published weights", pca, AUTHORS),
            ("PCA codes: WeightedKL", pca, WeightedKL()),
            ("autoencoder codes: WeightedKL", code, WeightedKL()),
            ("autoencoder codes: debiased", code, MEASURED),
        ]
        if mi in bench.size.some:
            asked += [("coordinates: debiased", given, MEASURED), ("PCA codes: debiased", pca, MEASURED)]
        found |= {(route, mi): measured(data, how, bench.seed) for route, data, how in asked}
    return table(found)


def whole_images(bench: Bench) -> xr.Dataset:
    """Raw pixels through KSG, and what is chosen for them where nothing is said."""
    found: Findings = {}
    for mi in bench.size.few:
        found["images: KSG", mi] = measured(bench.sample(mi), NEAREST, bench.seed)
    for mi in bench.size.automatic if bench.seed == 0 else ():
        found["images: automatic choice", mi] = measured(bench.sample(mi), None, bench.seed)
    return table(found)


def mine(benches: Sequence[Bench]) -> list[xr.Dataset]:
    """MINE at some informations, one program for all of them and all repetitions; a table a repetition.

    Coordinates and images have the same critic, which holds no closed form of their law, and the same budget. The
    critic is dense; on images it sees their leading directions: convolutions would take far longer. Held out it stops
    early. On the training pairs, as in the published protocol, it makes all updates of its budget.
    """
    from ..estimators.bounds import MINE
    from ..estimators.critics import Concatenated

    size = benches[0].size
    free = Concatenated(hidden=100, negatives=1, gaussian=False)
    routes = {"coordinates: MINE": MINE(free, steps=size.mine_steps)}
    if not benches[0].case.large:
        routes["images: MINE"] = routes["coordinates: MINE"]
        routes["images: MINE, training pairs"] = MINE(free, steps=size.mine_steps, held_out=False)
    cells = [(bench, mi) for bench in benches for mi in size.some]
    found: list[Findings] = [{} for _ in benches]
    for route, estimator in routes.items():
        data = [bench.sample(mi) if route.startswith("images") else bench.coordinates(mi) for bench, mi in cells]
        estimates = estimator.estimate_many([x for x, _ in data], [y for _, y in data], seed=benches[0].seed)
        for (bench, mi), estimate in zip(cells, estimates, strict=True):
            found[benches.index(bench)][route, mi] = estimate
    return [table(one) for one in found]


def latent_sizes(bench: Bench) -> xr.Dataset:
    """The latent size found, and estimates at other ones, through the same two estimators."""
    dims = sorted({*bench.size.dims, bench.autoencoder.dim, bench.case.dim})
    parts = []
    for dim in dims:
        fitted = bench.resized(dim)
        found: Findings = {}
        for mi in bench.size.few:
            code = _coded(fitted, bench.sample(mi))
            found["debiased", mi] = measured(code, MEASURED, bench.seed)
            found["KSG", mi] = measured(code, NEAREST, bench.seed)
        one = table(found).assign(autoencoder_unexplained=1.0 - fitted.details["explained_variance"])
        parts.append(one.expand_dims(latent=[dim]))
    both = xr.concat(parts, "latent", combine_attrs="drop_conflicts", join="exact")
    scan = bench.autoencoder.scan
    both["found"], both["true"] = bench.autoencoder.dim, bench.case.dim
    both["pca_explained"] = bench.pca.details["explained_variance"]
    return both.assign_attrs(latent_scan=json.dumps(scan.as_details() if scan else {}))


def anti_pca(bench: Bench) -> xr.Dataset:
    """What two components of nearly all variance leave of the information, and what tells."""
    found: Findings = {}
    tests: dict[str, list[tuple[float, float]]] = {"PCA": [], "autoencoder": []}
    for mi in bench.size.some:
        x, y = bench.sample(mi)
        found["coordinates: WeightedKL", mi] = measured(bench.coordinates(mi), WeightedKL(), bench.seed)
        for name, fitted in (("PCA", bench.pca), ("autoencoder", bench.autoencoder)):
            code = _coded(fitted, (x, y))
            found[f"{name} codes: WeightedKL", mi] = measured(code, WeightedKL(), bench.seed)
            found[f"{name} codes: KSG", mi] = measured(code, NEAREST, bench.seed)
            tests[name].append(residual_test(x, code[0], fitted, y, seed=bench.seed))
    dataset = table(found)
    names = list(tests)
    for k, variable in enumerate(("residual_p_value", "mi_residual")):
        values = np.array([[test[k] for test in tests[name]] for name in names])
        dataset[variable] = (("compressor", "mi"), values)
    shares = [bench.pca.details["explained_variance"], bench.autoencoder.details["explained_variance"]]
    dataset["explained"] = ("compressor", shares)
    return dataset.assign_coords(compressor=names).assign(found=bench.autoencoder.dim)


def _coded(fitted: Any, pairs: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return fitted.encode(pairs[0]), fitted.encode(pairs[1])


def measured(pairs: tuple[np.ndarray, np.ndarray], how: Estimator | None, seed: int) -> Estimate | str:
    """The estimate, or why there is none."""
    try:
        return mutual_information(*pairs, how, seed=seed)
    except InputError as refusal:
        return str(refusal)
