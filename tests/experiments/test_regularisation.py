"""The experiment regularisation: rank correlations, bootstraps and claims that say what was put into the data."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

from infoplane.experiments import regularisation, regularisation_claims
from infoplane.experiments.regularisation import Regularisation
from infoplane.experiments.resampled import bootstrapped, rank_correlation
from infoplane.plane.summary import add_summary

LAYERS = ["hidden 1", "hidden 2", "output"]
NETWORKS = 40
RANDOM = np.random.default_rng(11)
ACCURACY = RANDOM.uniform(0.8, 1.0, NETWORKS)


def plane(falls: np.ndarray, accuracy: np.ndarray = ACCURACY, train: float = 0.99) -> xr.Dataset:
    """Networks whose I(X;T) rises, and falls at the end by ``falls`` (network, 2 hidden layers) bits."""
    time = np.linspace(0, 1, 20)[None, :, None]
    drops = np.concatenate([falls, np.zeros((NETWORKS, 1))], axis=1)[:, None]
    peak = time[0, 6, 0]
    bits = 5 + np.minimum(time / peak, 1) - np.maximum(time - peak, 0) / (1 - peak) * drops
    cells = ("seed", "epoch", "layer")
    accuracies = np.linspace(0.5, 1.0, 20)[None] * accuracy[:, None]
    found = xr.Dataset(
        {
            "mi_input": (cells, bits * math.log(2), {"quantity": "H(T)", "direction": "exact"}),
            "mi_target": (cells, 0 * bits),
            "accuracy_test": (cells[:2], accuracies),
            "accuracy_train": (cells[:2], np.full((NETWORKS, 20), train)),
        },
        {"seed": np.arange(NETWORKS), "epoch": np.arange(20), "layer": LAYERS},
    )
    return add_summary(found)


def spread(mean: float, deviation: float, draw: int = 0) -> np.ndarray:
    """(network, 2) falls without any relation to accuracy."""
    values = np.random.default_rng([draw, 3]).uniform(-1, 1, (NETWORKS, 2)) * math.sqrt(3)
    return np.maximum(mean + deviation * values, 0.0)


@pytest.mark.parametrize("ties", [False, True])
def test_rank_correlation_is_spearmans(ties):
    x, y = RANDOM.normal(size=(2, 5, 30))
    if ties:
        x, y = np.round(x), np.round(2 * y)
    expected = [spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(rank_correlation(x, y), expected, atol=1e-12)
    assert np.isnan(rank_correlation(np.ones(5), np.arange(5.0)))


def test_the_bootstraps_interval_covers_the_mean_as_often_as_it_says():
    """200 samples of 40 normal numbers: 95 %, less 1 % as percentiles are narrow, give or take 4 errors of 1.6 %."""
    hits = 0
    for k in range(200):
        values = np.random.default_rng([k, 1]).normal(size=40)
        found = bootstrapped(lambda chosen, v=values: v[chosen].mean(axis=-1), 40, seed=k)
        hits += found.lower <= 0 <= found.upper
        assert found.value == pytest.approx(values.mean())
    assert 0.94 - 4 * 0.016 <= hits / 200 <= 1.0


def test_correlation_with_accuracy_is_found_in_the_layer_it_was_put_into():
    related = spread(1.0, 0.5)
    related[:, 1] = 10 * (ACCURACY - 0.75)
    settings = {name: (plane(related), plane(related)) for name in ("tanh", "relu")}
    last, only = regularisation_claims._generalisation("adaptive", settings, False, "")
    assert last.verdict == "holds"
    assert only.verdict != "fails"
    related[:, 0] = related[:, 1]
    settings = {"relu": (plane(related), plane(related))}
    assert regularisation_claims._generalisation("adaptive", settings, True, "")[1].verdict == "fails"
    related[:, 1] *= -1
    related[:, 1] += 5
    settings = {"relu": (plane(related), plane(related))}
    assert regularisation_claims._generalisation("adaptive", settings, True, "")[0].verdict == "fails"


def test_networks_at_chance_are_told_apart():
    """A fourth of the networks collapse: they forget all and know nothing, which alone is a correlation."""
    falls, accuracy = spread(1.0, 0.3), ACCURACY.copy()
    falls[:10], accuracy[:10] = 5.0, 0.517
    falls[10:, 1] = 10 * (accuracy[10:] - 0.75)
    settings = {"relu": (plane(falls, accuracy), plane(falls, accuracy))}
    last, _ = regularisation_claims._generalisation("adaptive", settings, False, "")
    with_all, among_learners = str(
        last.numbers["hidden 2: mean rank correlation, and without networks at chance"]
    ).split("], ")
    assert float(with_all.split()[0]) < 0.5
    assert float(among_learners) == pytest.approx(1.0)
    numbers = regularisation_claims._l2_compresses("adaptive", settings, "")[0].numbers
    assert str(numbers["relu: fall with L2 minus without, bits"]).endswith("(30 of 40 pairs learn)")


def test_l2_compresses_more_or_not_and_the_control_leaves_out_networks_at_chance():
    weak, strong = plane(spread(1.0, 0.3)), plane(spread(2.0, 0.3, draw=1))
    dead = plane(spread(2.0, 0.3, draw=1), np.full(NETWORKS, 0.517))

    def verdicts(**settings):
        return [claim.verdict for claim in regularisation_claims._l2_compresses("", settings, "")]

    assert verdicts(tanh=(weak, strong)) == ["holds"] * 3
    assert verdicts(tanh=(strong, weak)) == ["fails"] * 3
    assert verdicts(tanh=(weak, strong), relu=(strong, weak)) == ["fails"] * 3
    assert verdicts(relu=(weak, dead)) == ["holds", "holds", "unclear"]
    *_, control = regularisation_claims._l2_compresses("", {"relu": (weak, dead)}, "")
    assert list(control.numbers.values()) == ["no pair learns"]


def test_all_hidden_layers_are_counted_together():
    last, first = spread(1.0, 0.3), spread(1.0, 0.3)
    last[:, 1] += 1.0  # with L2 one bit less in the last layer, three more before it
    first[:, 0] += 3.0
    claims = regularisation_claims._l2_compresses("", {"tanh": (plane(last), plane(first))}, "")
    assert [claim.verdict for claim in claims] == ["fails", "holds", "holds"]
    number = float(str(claims[1].numbers["tanh: fall with L2 minus without, bits"]).split()[0])
    assert number == pytest.approx(2.0, abs=1e-6)


def test_overfitting_is_the_gap_between_training_and_test():
    overfit, regular = plane(spread(1.0, 0.3), train=1.0), plane(spread(1.0, 0.3), ACCURACY - 0.05, train=0.9)
    for pair, verdicts in (((overfit, regular), ["holds", "fails"]), ((regular, overfit), ["fails", "holds"])):
        claims = regularisation_claims._l2_against_overfitting({"tanh": pair}, "")
        assert [claim.verdict for claim in claims] == verdicts


def test_compression_without_saturation_asks_for_one_unbounded_activation_or_for_all():
    still, falling = plane(np.zeros((NETWORKS, 2))), plane(spread(3.0, 0.3))
    some, every = regularisation_claims._without_saturation("a", {"tanh": (falling,) * 2, "relu": (still,) * 2}, "")
    assert (some.verdict, every.verdict) == ("fails", "fails")  # tanh saturates, and is not counted
    both = {"relu": (still,) * 2, "abs": (falling,) * 2}
    some, every = regularisation_claims._without_saturation("a", both, "")
    assert (some.verdict, every.verdict) == ("holds", "fails")


def test_networks_vary_more_than_activations_or_less():
    wide = {name: (plane(spread(3.0, 1.0, draw)),) * 2 for draw, name in enumerate(("tanh", "relu", "abs"))}
    found = regularisation_claims._varies("a", wide, "")
    assert found.verdict == "holds"
    apart = {name: (plane(spread(mean, 0.3)),) * 2 for mean, name in ((1.0, "tanh"), (3.0, "relu"), (5.0, "abs"))}
    found = regularisation_claims._varies("a", apart, "")
    assert found.verdict == "fails"
    ratio = float(str(found.numbers["standard deviation within / between activations"]).split()[0])
    assert ratio == pytest.approx(0.3 / 2.0, rel=0.25)  # the deviation of 1, 3, 5 is 2; that of 40 numbers to 11 %


def test_every_claim_is_made_once():
    pair = (plane(spread(1.0, 0.3)), plane(spread(2.0, 0.3, draw=1)))
    datasets = {
        f"{n}{l2}-{k}": pair[bool(l2)] for n in ("tanh", "relu") for l2 in ("", "-l2") for k in ("adaptive", "pairwise")
    }
    claims = Regularisation().claims(datasets)
    assert len(claims) == len({claim.text for claim in claims}) == 21
    assert regularisation.settings(datasets, "pairwise")["relu"] == pair
