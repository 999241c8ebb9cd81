"""From outputs of any shape to rows of numbers, and what noise becomes on the way."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip
from infoplane.watching import EachToken, Flatten, Pooling, Projection, SpatialMean, Token

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

IMAGES = np.random.default_rng(0).normal(size=(50, 3, 4, 5)).astype(np.float32)
TOKENS = np.random.default_rng(1).normal(size=(50, 7, 6)).astype(np.float32)

CASES = [
    (Flatten(), IMAGES, IMAGES.reshape(50, 60)),
    (SpatialMean(), IMAGES, IMAGES.mean(axis=(2, 3))),
    (SpatialMean("last"), IMAGES.transpose(0, 2, 3, 1), IMAGES.mean(axis=(2, 3))),
    (Token("first"), TOKENS, TOKENS[:, 0]),
    (Token("last"), TOKENS, TOKENS[:, -1]),
    (Token("mean"), TOKENS, TOKENS.mean(axis=1)),
    (EachToken(), TOKENS, TOKENS.reshape(350, 6)),
    (Projection(100), TOKENS, TOKENS.reshape(50, 42)),
]
NOISY = [*((p, v) for p, v, _ in CASES if not isinstance(p, EachToken)), (Projection(5), IMAGES)]


@pytest.mark.parametrize(("pooling", "values", "wanted"), CASES, ids=[str(p) for p, _, _ in CASES])
@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_against_plain_formulas(pooling: Pooling, values: np.ndarray, wanted: np.ndarray, framework: str) -> None:
    given = torch.from_numpy(np.ascontiguousarray(values)) if framework == "torch" else values
    found = np.asarray(pooling.of(given, torch.from_numpy if framework == "torch" else np.asarray))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert (pooling.words == "") == isinstance(pooling, Flatten)


def test_projection_is_orthonormal_and_always_the_same() -> None:
    flat = np.eye(60, dtype=np.float32)
    directions = Projection(5, seed=3).of(flat, np.asarray)
    np.testing.assert_allclose(directions.T @ directions, np.eye(5), atol=1e-6)
    np.testing.assert_array_equal(directions, Projection(5, seed=3).of(flat, np.asarray))
    assert np.abs(directions - Projection(5, seed=4).of(flat, np.asarray)).max() > 0.1


@pytest.mark.parametrize(("pooling", "values"), NOISY, ids=[str(p) for p, _ in NOISY])
def test_noise_after_pooling(pooling: Pooling, values: np.ndarray) -> None:
    """Independent standard noise becomes independent noise of the deviation that the pooling says."""
    draws = np.random.default_rng(2).normal(size=(20_000, *values.shape[1:])).astype(np.float32)
    pooled = pooling.of(draws, np.asarray)
    scale = pooling.noise_scale(values.shape[1:])
    assert scale is not None
    error = scale**2 * np.sqrt(2 / len(draws))  # of a variance; covariances have less
    covariance = np.cov(pooled.T)
    assert np.abs(covariance - scale**2 * np.eye(pooled.shape[1])).max() < 5 * error


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SpatialMean("middle"), "takes 'first' or 'last', got 'middle'"),
        (lambda: Token("second"), "takes 'first' or 'last' or 'mean'"),
        (lambda: Projection(0), "whole number, 1 or more"),
        (
            lambda: SpatialMean().of(np.zeros((4, 3)), np.asarray),
            r"needs a layer with positions.*got .* \(4, 3\)",
        ),
        (lambda: EachToken().of(np.zeros((4, 3)), np.asarray), "needs a layer of tokens"),
    ],
)
def test_what_does_not_fit_is_refused(make, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        make()


class Tokens(torch.nn.Module):
    """Every token carries its sequence's label and noise of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.out = torch.nn.Linear(2, 2), torch.nn.Tanh()
        with torch.no_grad():
            self.read.weight.copy_(torch.eye(2))
            self.read.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.read(x))


def sequences(n: int = 40, tokens: int = 10, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, tokens, 2) values that all tokens of a sequence share, and labels that have nothing to do with them."""
    draw = torch.Generator().manual_seed(seed)
    shared = torch.randn(n, 1, 2, generator=draw).expand(n, tokens, 2)
    return shared + 0.01 * torch.randn(n, tokens, 2, generator=draw), torch.arange(n) % 2


def test_tokens_of_a_sequence_move_together() -> None:
    """Rows taken for independent samples find dependence where there is none; whole sequences shuffled do not."""
    below = {"rows": 0, "sequences": 0}
    for seed in range(12):
        x, y = sequences(seed=seed)
        watch = ip.torch.watch(Tokens(), (x, y), ["out"], pooling=EachToken())
        watch.snapshot(0)
        recording = watch.recording
        assert recording.probe.groups is not None
        np.testing.assert_array_equal(recording.probe.groups, np.repeat(np.arange(40), 10))
        np.testing.assert_array_equal(recording.y, np.repeat(y.numpy(), 10))
        loose = ip.recordings.from_arrays({"out": recording.activations(0, 0, "out")}, recording.y)
        for name, one in (("sequences", recording), ("rows", loose)):
            plane = ip.information_plane(one, ip.estimators.PairwiseBounds(0.1), null=19)
            below[name] += plane.mi_target_p_value.item() <= 0.05
    assert below["rows"] == 12
    assert below["sequences"] <= 3  # 12 x 0.05, and three standard errors


def test_a_target_for_every_token() -> None:
    x, _ = sequences()
    watch = ip.torch.watch(Tokens(), (x, torch.arange(400).reshape(40, 10) % 3), ["out"], pooling=EachToken())
    watch.snapshot(0)
    np.testing.assert_array_equal(watch.recording.y, np.arange(400) % 3)
    with pytest.raises(ip.InputError, match="must be the pooling of all watched layers"):
        ip.torch.watch(Tokens(), (x, torch.arange(40)), ["out", "read"], pooling={"out": EachToken()})
