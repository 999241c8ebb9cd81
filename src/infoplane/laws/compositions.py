"""Laws made of a plain one and maps that keep its mutual information."""

from __future__ import annotations

from .embeddings import Mixing, TanhEmbedding
from .maps import AntiPCA, Asinh, Bimodal, Cube, HalfCube, Map, Ring, Spiral, SwissRoll
from .normal import CorrelatedNormal
from .student import CorrelatedStudent
from .transformed import Transformed, correlated_uniform, through


def cubed_normal(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1) -> Transformed:
    """Correlated normals, every column cubed. ``mi`` in nats; ``dim_x``, ``dim_y`` columns."""
    return _bent(Cube(), "cubed_normal", mi, dim_x, dim_y)


def half_cubed_normal(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1) -> Transformed:
    """Correlated normals, z -> z sqrt(|z|) in every column. ``mi`` in nats; ``dim_x``, ``dim_y`` columns."""
    return _bent(HalfCube(), "half_cubed_normal", mi, dim_x, dim_y)


def asinh_normal(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1) -> Transformed:
    """Correlated normals, asinh of every column. ``mi`` in nats; ``dim_x``, ``dim_y`` columns."""
    return _bent(Asinh(), "asinh_normal", mi, dim_x, dim_y)


def asinh_student(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1, dof: float = 5.0) -> Transformed:
    """Correlated Student columns with their long tails drawn in by asinh.

    Args:
        mi: nats, tails included.
        dim_x: columns of X.
        dim_y: columns of Y.
        dof: degrees of freedom.
    """
    return through(CorrelatedStudent(mi, dim_x, dim_y, dof), Asinh(), title="asinh_student")


def bimodal_normal(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1) -> Transformed:
    """A normal copula whose every column has two humps. ``mi`` in nats; ``dim_x``, ``dim_y`` columns."""
    return _bent(Bimodal(), "bimodal_normal", mi, dim_x, dim_y)


def spiral_normal(mi: float = 1.0, dim_x: int = 2, dim_y: int = 2, speed: float = 0.5) -> Transformed:
    """Correlated normals turned the more the further out they are, so that clouds of points become spirals.

    Args:
        mi: nats.
        dim_x: columns of X, 2 or more.
        dim_y: columns of Y, 2 or more.
        speed: radians for each unit of squared length.
    """
    return through(CorrelatedNormal(mi, dim_x, dim_y), Spiral(speed), title="spiral_normal")


def mixed_normal(mi: float = 1.438, dim_x: int = 10, dim_y: int = 10, blocks: int = 3, key: int = 0) -> Transformed:
    """Correlated normals stirred by rotations and residual blocks, X and Y each by its own.

    No copula family fits it and no column alone shows what is wrong. A strong test: with the defaults a normal copula
    finds little over three quarters of the information.

    Args:
        mi: nats.
        dim_x: columns of X.
        dim_y: columns of Y.
        blocks: residual blocks; more of them stir more.
        key: fixes the blocks.
    """
    law = CorrelatedNormal(mi, dim_x, dim_y)
    return through(law, Mixing(blocks, key=2 * key), Mixing(blocks, key=2 * key + 1), title="mixed_normal")


def swiss_roll(mi: float = 1.0, dim_x: int = 1, dim_y: int = 1) -> Transformed:
    """Uniform coordinates, each rolled up in a plane of its own.

    Args:
        mi: nats.
        dim_x: coordinates of X, which has twice as many columns.
        dim_y: coordinates of Y, likewise.
    """
    return through(correlated_uniform(mi, dim_x, dim_y), SwissRoll(), title="swiss_roll")


def rings(mi: float = 1.0) -> Transformed:
    """Points of a ring, radius and angle from two uniform coordinates a side. ``mi`` in nats."""
    return through(correlated_uniform(mi, 2, 2), Ring(), title="rings")


def anti_pca(mi: float = 1.0, width: int = 32) -> Transformed:
    """Columns whose leading principal components are a nuisance; what X and Y share is in a small one.

    Args:
        mi: nats, all in the first of two coordinates a side.
        width: columns of X and of Y.
    """
    return through(correlated_uniform(mi, 2, 2, pairs=1), AntiPCA(width), title="anti_pca")


def tanh_embedding(
    mi: float = 2.554, coordinates: int = 5, width: int = 100, gain: float = 0.7, hidden: int = 50, key: int = 0
) -> Transformed:
    """A few correlated normal coordinates through fixed random tanh networks of two layers, one for X and one for Y.

    Args:
        mi: nats.
        coordinates: how many on each side.
        width: columns of X and of Y.
        gain: 0.7 is smooth, 1.5 well folded.
        hidden: units of the networks' first layer.
        key: fixes the networks.
    """
    maps = (TanhEmbedding(width, hidden, gain, 2 * key + side) for side in (0, 1))
    return through(CorrelatedNormal(mi, coordinates, coordinates), *maps, title="tanh_embedding")


def _bent(column: Map, title: str, mi: float, dim_x: int, dim_y: int) -> Transformed:
    return through(CorrelatedNormal(mi, dim_x, dim_y), column, title=title)
