"""The estimator on codes: what it is fitted to, what it says, and how near it comes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import infoplane as ip
from infoplane import laws
from infoplane.compressors import CCA, PCA, Autoencoder
from infoplane.estimators import (
    KSG,
    Automatic,
    Compressed,
    Debiased,
    Decoder,
    Gaussian,
    LayerBlock,
    PairwiseBounds,
    WeightedKL,
)

QUICK = Autoencoder(2, steps=400, batch=128)


def linear(n: int = 2000, seed: int = 0, width: int = 30) -> tuple[np.ndarray, np.ndarray, float]:
    """Two latent numbers a side, of 1.5 nats, spread over 30 columns with a little noise."""
    law = laws.correlated_normal(1.5, 2, 2)
    random = np.random.default_rng([seed, 1])
    maps = np.random.default_rng(5).standard_normal((2, 2, width))
    x, y = (z @ m + 1e-3 * random.standard_normal((n, width)) for z, m in zip(law.sample(n, seed), maps, strict=True))
    return x, y, law.mutual_information


@pytest.mark.parametrize("estimator", [WeightedKL(), KSG(), Gaussian()], ids=str)
def test_codes_of_a_linear_embedding_keep_the_information(estimator) -> None:
    x, y, truth = linear()
    found = ip.mutual_information(x, y, Compressed(estimator, x=PCA(2), y=PCA(2)))
    assert found.value == pytest.approx(truth, abs=max(4 * found.stderr, 0.1))
    assert found.quantity == "I(E(X);E(Y)) of compressed variables"
    assert found.n_samples == 2000
    assert found.details["compressor_x"]["explained_variance"] > 0.999
    assert any("No bound limits" in note for note in found.notes)


def test_without_compressors_it_is_the_estimator() -> None:
    x, y = laws.correlated_normal(1.0, 1, 1).sample(300, 0)
    plain, wrapped = (ip.mutual_information(x, y, e) for e in (KSG(), Compressed(KSG())))
    assert dataclasses.replace(wrapped, method=plain.method) == plain


def test_canonical_directions_are_never_measured_on_what_they_were_fitted_to() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 800, 60))
    found = ip.mutual_information(x, y, Compressed(Gaussian(), x=CCA(2), y=CCA(2)))
    assert found.n_samples == 400
    # Independent: standard error of a Gaussian value of 2 + 2 at n = 400 is sqrt(4 / 2) / 400 = .0035; in-sample it
    # would be above .2.
    assert abs(found.value) < 0.015
    fitted, codes = CCA(2).fit(x, other=y), CCA(2).fit(y, other=x)
    assert ip.mutual_information(fitted.encode(x), codes.encode(y), Gaussian()).value > 0.2
    with pytest.raises(ip.InputError, match="holdout above 0"):
        Compressed(x=CCA(2), holdout=0.0)


def test_a_holdout_keeps_fitting_and_measuring_apart() -> None:
    x, y, truth = linear()
    found = ip.mutual_information(x, y, Compressed(Gaussian(), x=PCA(2), y=PCA(2), holdout=0.25))
    assert found.n_samples == 1500
    assert any("fitted on 500 samples, 1500 others" in note for note in found.notes)
    assert found.value == pytest.approx(truth, abs=5 * found.stderr)


def test_classes_pass_as_they_are() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 1000)
    x = (6.0 * labels[:, None] + random.standard_normal((1000, 1))) * random.standard_normal((1, 20))
    x += 0.01 * random.standard_normal((1000, 20))
    found = ip.mutual_information(x, labels, Compressed(x=PCA(1), y=PCA(1)))
    assert "compressor_y" not in found.details
    assert found.value == pytest.approx(np.log(2), abs=0.05)  # classes six deviations apart: 1.4e-3 of it overlap


def test_one_encoder_serves_sides_of_one_law_and_not_of_two() -> None:
    x, y = laws.gaussian_images(2.0, 8).sample(1000, 0)
    assert ip.mutual_information(x, y, Compressed(x=QUICK, y=QUICK)).details["shared_compressor"]
    assert not ip.mutual_information(x, 1.0 - y, Compressed(x=QUICK, y=QUICK)).details["shared_compressor"]
    with pytest.raises(ip.InputError, match="share=True"):
        ip.mutual_information(x, y[:, :20], Compressed(x=QUICK, y=QUICK, share=True))


def test_the_residual_warns_where_explained_variance_does_not() -> None:
    x, y = laws.anti_pca(2.0).sample(3000, 0)
    found = ip.mutual_information(x, y, Compressed(x=PCA(2), y=PCA(2)))
    assert found.value < 1.0  # of 2 nats
    assert found.details["compressor_x"]["explained_variance"] > 0.999
    assert found.details["residual_p_value"] <= 0.01
    assert any("the value is too low" in warning for warning in found.warnings)


def test_loss_bounds_are_printed_and_marked_where_vacuous() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((1500, 3))
    s = x @ random.standard_normal((3, 10))
    estimator = Compressed(Gaussian(), y=PCA(3))
    for sigma in (0.5, 1e-3):
        y = s + sigma * random.standard_normal(s.shape)
        bound = ip.mutual_information(x, y, dataclasses.replace(estimator, sigma=sigma)).details["loss_bound_y"]
        assert not bound["vacuous"]
        assert 0.0 <= bound["spectrum"] <= bound["jensen"] <= bound["linear"] * (1 + 1e-12)
    y = s + 1e-3 * random.standard_normal(s.shape)
    found = ip.mutual_information(x, y, Compressed(Gaussian(), y=PCA(1), sigma=1e-3))
    assert found.details["loss_bound_y"]["vacuous"]
    assert any("vacuous" in note for note in found.notes)


def test_an_autoencoder_is_not_charged_for_the_noise_it_drops() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((1500, 3))
    s = x @ random.standard_normal((3, 10))
    y = s + 0.5 * random.standard_normal(s.shape)
    found = ip.mutual_information(x, y, Compressed(Gaussian(), y=Autoencoder(3, steps=800), sigma=0.5))
    bound = found.details["loss_bound_y"]
    assert bound["squared_error_with_noise"] > 1.75 > 4 * bound["squared_error"]
    assert not bound["vacuous"]
    assert any("before its noise" in note for note in found.notes)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_label_bounds_what_its_other_side_loses(swapped: bool) -> None:
    random = np.random.default_rng(0)
    z = random.standard_normal((1000, 2))
    labels = (z[:, 0] > 0).astype(int)
    x = z @ random.standard_normal((2, 20)) + 0.01 * random.standard_normal((1000, 20))
    method = Compressed(x=PCA(2), y=PCA(2))
    found = ip.mutual_information(labels, x, method) if swapped else ip.mutual_information(x, labels, method)
    bound = found.details[f"label_loss_bound_{'y' if swapped else 'x'}"]
    assert bound["cross_entropy"] < 0.15
    assert not bound["vacuous"]
    assert any("of what it tells of the labels" in note for note in found.notes)
    assert not any("No bound limits" in note for note in found.notes)
    noise = ip.mutual_information(x, random.integers(0, 2, 1000), method)
    assert noise.details["label_loss_bound_x"]["vacuous"]


def test_the_direction_is_that_of_the_wrapped_estimator() -> None:
    assert Compressed(Decoder(), x=PCA(2)).direction == "lower"
    assert Compressed(KSG()).direction == Compressed().direction == "estimate"
    assert dataclasses.replace(Compressed(Decoder()), estimator=KSG()).direction == "estimate"
    with pytest.raises(ip.InputError, match="Compressed gives a bound"):
        Debiased(Compressed(Decoder(), x=PCA(2)))


def test_a_plane_says_that_codes_were_measured_and_what_they_keep() -> None:
    x, t, _ = linear(300)
    y = (t[:, 0] > np.median(t[:, 0])).astype(int)
    layers = {"wide": t, "dead": np.zeros((300, 3))}
    recording = ip.recordings.from_arrays(layers, y, x=x, noise="0.001")
    decoder = Compressed(Decoder("linear", steps=50), y=PCA(2))
    plane = ip.information_plane(
        recording, Compressed(WeightedKL(), x=PCA(2), y=PCA(2), sigma=1e-3), estimator_target=decoder
    )
    assert plane.mi_input.attrs["quantity"] == "I(X;T) of the noisy network, of compressed variables"
    assert plane.mi_target.attrs["quantity"] == "I(T;Y), of compressed variables"
    assert plane.mi_target.attrs["direction"] == "lower"
    wide, dead = (plane.sel(layer=name).squeeze() for name in layers)
    assert wide.explained_variance > 0.999
    # The code drops 28 directions of noise. Of 300 samples half of their variances lie above sigma^2, by a fifth in the
    # mean, and count: 28 / 2 * ln(1.2) / 2 = 1.3. A vote of neighbours knows the label.
    assert 0.0 <= wide.loss_bound_input < 2.0
    assert wide.loss_bound_target < 0.2
    assert np.isnan([dead.explained_variance, dead.loss_bound_input, dead.loss_bound_target]).all()
    only_input = ip.information_plane(recording, Compressed(WeightedKL(), x=PCA(2)), layers=["dead"])
    assert only_input.mi_input.attrs["quantity"].endswith("of compressed variables")
    assert only_input.mi_target.attrs["quantity"] == "I(T;Y)"
    assert "explained_variance" not in only_input
    debiased = ip.information_plane(recording, Debiased(Compressed(KSG(), y=PCA(2))), layers=["dead"])
    assert debiased.mi_target.attrs["quantity"] == "I(T;Y), of compressed variables"


def test_warnings_in_a_plane_keep_their_cells() -> None:
    """Cells are measured in groups of equal code size; here the middle one is a group of its own."""
    random = np.random.default_rng(0)
    t = random.standard_normal((3, 300, 3))
    t[1, :, 1:] *= 1e-6
    t[1] = np.round(t[1], 1)  # repeats
    block = LayerBlock(t, np.zeros((3, 300, 1), int), np.arange(300)[None], x=random.standard_normal((3, 300, 1)))
    found = Compressed(KSG(), y=PCA(variance=0.99)).layer(block)
    assert found.warned.tolist() == [False, True, False]


def test_shuffles_keep_the_compressors() -> None:
    x, y, _ = linear(400)
    estimator = Compressed(Gaussian(), x=PCA(2), y=PCA(2))
    found = ip.mutual_information(x, y, estimator, null=20)
    assert found.p_value < 0.06
    assert abs(found.null) < 0.02
    orders = np.stack([np.arange(400), np.random.default_rng(0).permutation(400)])
    a, b = ip.samples.pair(x, y)
    values = estimator.shuffled(a, b, orders, seed=0)
    assert values[0] == pytest.approx(found.value, abs=1e-9)
    half = dataclasses.replace(estimator, holdout=0.5)
    assert half.shuffled(a, b, orders, seed=0)[0] == pytest.approx(half.estimate(a, b, seed=0).value, abs=1e-9)


def counted_pca() -> tuple[type[PCA], list]:
    """A PCA that keeps the shapes it was fitted to, and these shapes."""
    fits: list = []

    @dataclasses.dataclass(frozen=True)
    class Counted(PCA):
        def fit(self, x, *, seed=0, other=None):
            fits.append(x.shape)
            return super().fit(x, seed=seed)

    return Counted, fits


def test_compressors_are_fitted_once_for_the_value_and_its_null() -> None:
    counted, fits = counted_pca()
    x, y, _ = linear(300)
    for inner in (Gaussian(), None, Debiased(Gaussian())):
        fits.clear()
        ip.mutual_information(x, y, Compressed(inner, x=counted(3), y=PCA(3), share=False), null=25)
        assert len(fits) == 1
    fits.clear()
    ip.mutual_information(x, y, Debiased(Compressed(Gaussian(), x=counted(2), y=PCA(2), share=False)), null=5)
    assert len(fits) == 1


@pytest.mark.parametrize("dim", [2, 3])
def test_value_and_null_of_a_test_are_one_statistic(dim: int) -> None:
    """Above four joint dimensions two routes are weighed, and the test is that of one of them, which a note names."""
    x, y, _ = linear(300)
    a, b = ip.samples.pair(x, y)
    estimator = Compressed(x=PCA(dim), y=PCA(dim), share=False)
    pairs = [np.arange(300)]
    assert estimator.shuffled(a, b, pairs, seed=0)[0] == pytest.approx(estimator.estimate(a, b).value, abs=1e-12)
    tester = estimator.prepared(a, b, seed=0).tester(a, b)
    value = tester.estimate(a, b, seed=0).value
    assert tester.shuffled(a, b, pairs, seed=0)[0] == pytest.approx(value, abs=1e-12)
    found = ip.mutual_information(x, y, estimator, null=19)
    named = "of Compressed(Debiased(KozachenkoLeonenko()), x=PCA(dim=3), y=PCA(dim=3), share=False), which decides on "
    assert any(named in note and f"{value:.4g} nats" in note for note in found.notes) == (dim == 3)
    assert found.p_value == 1 / 20


def test_the_tester_is_that_of_what_is_wrapped() -> None:
    x, y, _ = linear(300)
    found = ip.mutual_information(x, y, Compressed(Automatic(), x=PCA(2), y=PCA(2), share=False), null=3)
    assert any("those of Compressed(KSG(standardise=True), x=PCA(dim=2)" in note for note in found.notes)


def test_a_plane_compresses_the_input_once_and_every_layer() -> None:
    counted, fits = counted_pca()
    x, t, truth = linear(1000)
    labels = (t[:, :1] > np.median(t[:, :1])).astype(np.int64)
    block = LayerBlock(
        np.stack([t, t, 2.0 * t]),
        np.stack([labels] * 3),
        np.stack([np.arange(1000), np.random.default_rng(0).permutation(1000)]),
        x=np.stack([x] * 3),
    )
    found = Compressed(WeightedKL(), x=counted(2), y=PCA(2)).layer(block)
    assert fits == [(1000, 30)]
    np.testing.assert_allclose(found.mi_input, truth, atol=0.15)  # four standard errors of .035
    assert found.mi_target.shape == (3, 2)
    assert (found.mi_target[:, 0] > 0.5).all()
    assert (abs(found.mi_target[:, 1]) < 0.1).all()
    with pytest.raises(ip.InputError, match="In a plane"):
        Compressed(x=CCA(2)).layer(block)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Compressed("KSG"), "wraps an estimator"),  # pyright: ignore
        (lambda: Compressed(PairwiseBounds(0.1)), "wraps estimates and lower bounds"),
        (lambda: Compressed(x=3), "needs a compressor for x"),  # pyright: ignore
        (lambda: Compressed(holdout=1.0), "holdout"),
        (lambda: Compressed(sigma=0.0), "sigma"),
        (lambda: ip.mutual_information(*linear(30)[:2], Compressed(x=PCA(2), holdout=0.9)), "20 samples to fit"),
    ],
)
def test_what_cannot_be_done_is_said(make, match: str) -> None:
    with pytest.raises(ip.InputError, match=match):
        make()


@pytest.mark.slow
@pytest.mark.parametrize("mi", [0.0, 6.0])
@pytest.mark.parametrize(
    ("make", "size", "tolerance"), [(laws.gaussian_images, 16, 0.1), (laws.rectangle_images, 32, 0.25)]
)
def test_images_with_everything_found_from_the_data(make, size: int, tolerance: float, mi: float) -> None:
    x, y = make(mi, size).sample(5000, 0)
    assert ip.mutual_information(x, y, Compressed(x=Autoencoder(), y=Autoencoder())).value == pytest.approx(
        mi, abs=tolerance
    )


def test_a_dead_layer_does_not_stop_a_sweep() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((300, 5)), random.integers(0, 2, 300)
    layers = {"alive": x[:, :4] + 0.1 * random.standard_normal((300, 4)), "dead": np.zeros((300, 4))}
    recording = ip.recordings.from_arrays(layers, y, x=x)
    method = Compressed(WeightedKL(), x=PCA(1), y=PCA(1))
    plane = ip.information_plane(recording, method, channel=ip.channels.Identity(assume_stochastic=True)).squeeze()
    assert plane.mi_input.sel(layer="dead") == plane.mi_target.sel(layer="dead") == 0.0
    assert plane.mi_input.sel(layer="alive") > 0.5


@pytest.mark.slow
def test_a_latent_size_that_does_not_stand_out_is_doubted() -> None:
    """Blobs of five coordinates, whose error of rebuilding falls with every size: the code found is too short."""
    x, y = laws.correlated_gaussian_images(2.0).sample(2000, 0)
    found = ip.mutual_information(x, y, Compressed(WeightedKL(), x=Autoencoder(steps=200), y=Autoencoder(steps=200)))
    assert any("no latent size stands out" in warning for warning in found.warnings)
    assert found.value < 1.7
