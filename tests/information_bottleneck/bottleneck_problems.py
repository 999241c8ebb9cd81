"""Problems that several tests of the bottleneck share, and a slow readable twin of its solver."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from infoplane.bottleneck import Joint

SYMMETRIC = Joint([[0.45, 0.05], [0.05, 0.45]])  # binary symmetric channel, crossover 0.1
THREE = Joint(np.array([[6, 3, 1], [2, 8, 2], [1, 4, 9]]))
BETAS = np.linspace(1.2, 30, 50)


def random_joint(n_x: int, n_y: int, seed: int = 0) -> Joint:
    """Uniform p(x), rows drawn from a Dirichlet law with concentration 0.3 and kept away from zero."""
    rows = np.random.default_rng(seed).dirichlet(np.full(n_y, 0.3), size=n_x)
    return Joint.from_conditional((rows + 1e-6) / (1 + 1e-6 * n_y))


@st.composite
def tables(draw, zeros: bool = True, most: int = 7) -> np.ndarray:
    """Small tables of weights with rows of any probability, some entries zero."""
    n_x, n_y = draw(st.integers(2, most)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    table = generator.dirichlet(np.full(n_y, draw(st.sampled_from([0.2, 1.0, 5.0]))), size=n_x) + 1e-5
    if zeros:
        table[generator.random(table.shape) < 0.2] = 0.0
        table[np.arange(n_x), generator.integers(n_y, size=n_x)] += 0.1
    return table * generator.uniform(0.05, 1.0, size=(n_x, 1))


def informations(p_x: np.ndarray, rows: np.ndarray, encoder: np.ndarray) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) by their definitions, one term after the other."""
    p_t, p_y = p_x @ encoder, p_x @ rows
    rate = relevant = 0.0
    for t in range(encoder.shape[1]):
        for x in range(len(p_x)):
            if p_x[x] * encoder[x, t] > 0:
                rate += p_x[x] * encoder[x, t] * np.log(encoder[x, t] / p_t[t])
        if p_t[t] > 0:
            p_y_t = (p_x * encoder[:, t]) @ rows / p_t[t]
            relevant += sum(p_t[t] * p * np.log(p / q) for p, q in zip(p_y_t, p_y, strict=True) if p > 0)
    return rate, relevant


def twin(p_x: np.ndarray, rows: np.ndarray, beta: float, dual: bool = False, sweeps: int = 4000) -> list[float]:
    """F after every sweep of the self-consistent equations from T = X, with broadcasts and nothing clever."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p_t, laws, history = p_x.copy(), rows.copy(), []
        for _ in range(sweeps):
            first, second = (laws[None], rows[:, None]) if dual else (rows[:, None], laws[None])
            distance = np.where(first > 0, first * np.log(first / second), 0.0).sum(axis=-1)
            weights = p_t * np.exp(-beta * distance)
            history.append(-float(p_x @ np.log(weights.sum(axis=1))))
            encoder = weights / weights.sum(axis=1, keepdims=True)
            p_t = p_x @ encoder
            given = (p_x[:, None] * encoder / p_t).T
            laws = np.exp(given @ np.log(rows)) if dual else given @ rows
            laws /= laws.sum(axis=1, keepdims=True)
    return history
