"""Normal laws that arise from channels: noise, embeddings, any covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from ..errors import InputError
from .base import Law, check_information, check_number, check_whole
from .embeddings import LinearEmbedding
from .normal import MOST_PER_PAIR, CorrelatedNormal


def information_of_covariance(covariance: np.ndarray, dim_x: int) -> float:
    """I(X;Y) = -1/2 sum ln(1 - r_i^2) of jointly normal X and Y, r their canonical correlations.

    The correlations are the singular values of the whitened cross-covariance; no two large log-determinants are
    subtracted, so small values keep their digits.

    Args:
        covariance: (dim_x + dim_y, dim_x + dim_y), X first.
        dim_x: columns of X.

    Raises:
        numpy.linalg.LinAlgError: X or Y alone is degenerate.
    """
    lower_x = np.linalg.cholesky(covariance[:dim_x, :dim_x])
    lower_y = np.linalg.cholesky(covariance[dim_x:, dim_x:])
    half = solve_triangular(lower_x, covariance[:dim_x, dim_x:], lower=True)
    r = np.linalg.svd(solve_triangular(lower_y, half.T, lower=True), compute_uv=False)
    with np.errstate(divide="ignore"):
        return float(-0.5 * np.log1p(-(np.minimum(r, 1.0) ** 2)).sum())


@dataclass(frozen=True, eq=False)
class JointNormal(Law):
    """X and Y jointly normal with mean 0 and a given covariance.

    I from canonical correlations. A draw costs O(n d^2), the truth O(d^3).

    Attributes:
        covariance: (dim_x + dim_y, dim_x + dim_y) symmetric and positive definite, X first.
        dim_x: columns of X.
    """

    covariance: np.ndarray
    dim_x: int

    def __post_init__(self) -> None:
        c = np.array(self.covariance, np.float64)
        object.__setattr__(self, "covariance", c)
        check_whole(self.name, dim_x=self.dim_x)
        if c.ndim != 2 or c.shape[0] != c.shape[1] or c.shape[0] <= self.dim_x:
            raise InputError(
                f"{self.name} needs a square covariance of more than dim_x={self.dim_x} rows, got {c.shape}."
            )
        if not np.allclose(c, c.T, rtol=1e-10, atol=1e-12) or not np.isfinite(c).all():
            raise InputError(f"{self.name} needs a symmetric covariance of finite numbers.")
        try:
            np.linalg.cholesky(c)
        except np.linalg.LinAlgError:
            raise InputError(f"{self.name} needs a positive definite covariance; drop columns that depend.") from None

    @property
    def dim_y(self) -> int:
        return len(self.covariance) - self.dim_x

    @property
    def mutual_information(self) -> float:
        return information_of_covariance(self.covariance, self.dim_x)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        both = rng.standard_normal((n, len(self.covariance))) @ np.linalg.cholesky(self.covariance).T
        return both[:, : self.dim_x], both[:, self.dim_x :]


@dataclass(frozen=True)
class AdditiveNoise(Law):
    """Y = X + sigma Z with X and Z standard normal, ``dim`` independent columns: I = dim/2 ln(1 + 1/sigma^2).

    Attributes:
        mi: I(X;Y) in nats, above 0: independence would need infinite noise.
        dim: columns of X and of Y.
    """

    mi: float = 1.0
    dim: int = 1

    def __post_init__(self) -> None:
        check_whole(self.name, dim=self.dim)
        check_information(self.name, self.mi, 1e-6, MOST_PER_PAIR * self.dim, "independence needs infinite noise")

    @property
    def dim_x(self) -> int:
        return self.dim

    dim_y = dim_x

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return 1.0 / math.sqrt(math.expm1(2.0 * self.mi / self.dim))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, self.dim))
        return x, x + self.sigma * rng.standard_normal((n, self.dim))


@dataclass(frozen=True)
class EmbeddedNormal(Law):
    """A few correlated normal coordinates spread over many columns by random matrices, plus noise in every column.

    x = zx A + noise, y = zy B + noise. Projecting on the rows of A keeps all that x says of zx, which leaves
    coordinates with noise of covariance noise^2 (A A')^-1: the truth is exact, below ``mi`` by what the noise costs.

    Attributes:
        mi: information of the coordinates in nats, at most 10 for each.
        coordinates: how many on each side.
        width: columns of X and of Y.
        noise: standard deviation of the noise; 0 leaves columns that are exact linear functions of others.
        key: fixes A and B.
    """

    mi: float = 2.554
    coordinates: int = 5
    width: int = 100
    noise: float = 1e-3
    key: int = 0

    def __post_init__(self) -> None:
        check_whole(self.name, coordinates=self.coordinates, width=self.width)
        check_number(self.name, 0.0, math.inf, closed=True, noise=self.noise)
        check_information(self.name, self.mi, high=10.0 * self.coordinates)
        for mapped in self.maps:
            mapped.check(self.coordinates)

    @property
    def dim_x(self) -> int:
        return self.width

    dim_y = dim_x

    @property
    def maps(self) -> tuple[LinearEmbedding, LinearEmbedding]:
        """What spreads X and Y."""
        return LinearEmbedding(self.width, 2 * self.key), LinearEmbedding(self.width, 2 * self.key + 1)

    @property
    def latent(self) -> Law:
        return CorrelatedNormal(self.mi, self.coordinates, self.coordinates)

    @property
    def mutual_information(self) -> float:
        k = self.coordinates
        if self.noise == 0 or self.mi == 0:
            return float(self.mi)
        a, b = (m.matrix(k) for m in self.maps)
        x = np.eye(k) + self.noise**2 * np.linalg.inv(a @ a.T)
        y = np.eye(k) + self.noise**2 * np.linalg.inv(b @ b.T)
        cross = math.sqrt(-math.expm1(-2.0 * self.mi / k)) * np.eye(k)
        return information_of_covariance(np.block([[x, cross], [cross, y]]), k)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, y = (m(z) for m, z in zip(self.maps, self.latent.draw(n, rng), strict=True))
        if self.noise > 0:
            x += self.noise * rng.standard_normal(x.shape)
            y += self.noise * rng.standard_normal(y.shape)
        return x, y
