"""The experiments lossy-mnist and lossy-cifar10: the network and its noise, training that resumes, pairs, verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.experiments import lossy_mnist_claims, lossy_phases
from infoplane.experiments import with_torch as extra

torch = pytest.importorskip("torch", reason="the networks of these experiments are trained with PyTorch")

from infoplane.experiments import lossy_arms, lossy_cifar10_planes, lossy_cnn, lossy_measure, lossy_mnist_planes  # noqa: E402
from infoplane.experiments.lossy_cnn import Network, Noise, evaluate, forward, generator, images  # noqa: E402
from infoplane.experiments.lossy_training import Schedule, root_mean_squares, train  # noqa: E402

SMALL = Network((12, 12, 1), (3, 4), (5, 10))
IMAGES = np.random.default_rng(0).random((60, 12, 12)).astype(np.float32)
CLASSES = np.random.default_rng(1).integers(0, 10, 60)


def test_the_network_is_the_published_one():
    network = Network()
    assert network.n_parameters == 7274
    assert network.sides == [(13, 13, 8), (5, 5, 16), (1, 1, 32)]
    assert network.shapes == [
        (8, 1, 3, 3),
        (8,),
        (16, 8, 3, 3),
        (16,),
        (32, 16, 3, 3),
        (32,),
        (32, 32),
        (32,),
        (10, 32),
        (10,),
    ]
    x = images(np.zeros((2, 28, 28), np.float32), lossy_arms.MEAN, lossy_arms.STD)
    found = evaluate(network, network.start(0), x, Noise(), (0,))
    assert {name: values.shape for name, values in found.items()} == {
        "T1": (2, 1352),
        "T2": (2, 400),
        "T3": (2, 32),
        "T4": (2, 32),
        "T5": (2, 10),
    }
    np.testing.assert_allclose(np.exp(found["T5"]).sum(axis=1), 1.0, rtol=1e-5)


def test_the_network_of_cifar_has_512_units_before_its_dense_layers():
    network = lossy_cifar10_planes.NETWORK
    assert network.sides == [(16, 16, 8), (8, 8, 16), (4, 4, 32)]
    assert network.shapes[-6:] == [(32, 512), (32,), (32, 32), (32,), (10, 32), (10,)]


def slow_layers(network: Network, weights: np.ndarray, image: np.ndarray) -> list[np.ndarray]:
    """Every layer of one image, sum by sum."""
    parts = []
    for shape in network.shapes:
        size = int(np.prod(shape))
        parts.append(weights[:size].reshape(shape).astype(np.float64))
        weights = weights[size:]
    here, found = image[None].astype(np.float64), []
    for k in range(len(network.filters)):
        kernel, bias = parts[2 * k], parts[2 * k + 1]
        if network.padding == "same":
            here = np.pad(here, ((0, 0), (1, 1), (1, 1)))
        height, width = here.shape[1] - 2, here.shape[2] - 2
        out = np.zeros((len(kernel), height // 2, width // 2))
        for f, i, j in np.ndindex(out.shape):
            sums = [
                (here[:, 2 * i + a : 2 * i + a + 3, 2 * j + b : 2 * j + b + 3] * kernel[f]).sum() + bias[f]
                for a in (0, 1)
                for b in (0, 1)
            ]
            out[f, i, j] = max(sums)
        here = np.where(out > 0, out, 0.01 * out)
        found.append(here.ravel())
    values = here.ravel()
    for k in range(len(network.filters), len(network.layers)):
        values = parts[2 * k] @ values + parts[2 * k + 1]
        last = k == len(network.layers) - 1
        values = values - np.log(np.exp(values).sum()) if last else np.where(values > 0, values, 0.01 * values)
        found.append(values)
    return found


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_layers_are_those_of_a_slow_twin(padding):
    network = replace(SMALL, padding=padding)
    weights = network.start(3)
    found = evaluate(network, weights, images(IMAGES[:3], 0.0, 1.0), Noise(), (0,), rows=2)
    for row in range(3):
        for name, expected in zip(network.layers, slow_layers(network, weights, IMAGES[row]), strict=True):
            # Units are stored channel by channel in both.
            np.testing.assert_allclose(found[name][row], expected, rtol=1e-4, atol=1e-5)


def test_added_noise_has_its_deviation_after_the_activation():
    noise = Noise("output", sigmas=(0.5, 0.25, 0.125))
    x = images(IMAGES, 0.0, 1.0)
    noisy = evaluate(SMALL, SMALL.start(0), x, noise, (1,))
    centres = evaluate(SMALL, SMALL.start(0), x, noise, (1,), centres=True)
    for name, sigma in zip(("T1", "T2", "T3"), noise.sigmas, strict=True):
        draws = noisy[name] - centres[name]
        # The deviation of n normal numbers is off by sigma / sqrt(2 n).
        assert abs(draws.std() - sigma) < 4 * sigma / np.sqrt(2 * draws.size)
        assert abs(draws.mean()) < 4 * sigma / np.sqrt(draws.size)
    np.testing.assert_array_equal(noisy["T4"], centres["T4"])


def test_multiplied_noise_leaves_nothing_where_nothing_enters():
    """Zero images give the bias alone, whatever the noise; others vary by the share that the noise has."""
    noise = Noise("input", sigma=0.3)
    x = images(np.full((20_000, 3, 3), 2.0, np.float32), 0.0, 1.0)
    entered = lossy_cnn._entering(x, noise, generator(0))[:, 0, 1, 1].numpy()
    assert abs(entered.std() - 0.6) < 4 * 0.6 / np.sqrt(40_000)
    assert abs(entered.mean() - 2.0) < 4 * 0.6 / np.sqrt(20_000)
    assert not lossy_cnn._entering(0.0 * x, noise, generator(0)).any()


def test_noise_and_dropout_depend_on_the_stream_alone():
    noise, x, weights = Noise("input", sigma=0.1), images(IMAGES, 0.0, 1.0), torch.from_numpy(SMALL.start(0))
    first, second, other = (
        forward(SMALL, weights, x, noise, generator(*stream), training=True)["T4"].numpy()
        for stream in ((1, 2), (1, 2), (1, 3))
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_a_tenth_is_dropped_and_the_mean_stays():
    kept = lossy_cnn._dropout(torch.zeros(100, 1, 30, 30), generator(0)).numpy()
    share = (kept == 0).mean()
    assert abs(share - 0.1) < 4 * np.sqrt(0.09 / kept.size)
    np.testing.assert_allclose(kept[kept > 0], 1 / 0.9, rtol=1e-6)


def _train(path=None, stop=lambda step: False, seed=0, marks=(0, 3, 7, 12)):
    noise = Noise("input", sigma=0.1)
    plan = Schedule(1e-2, 12, marks, batch=20)
    return train(SMALL, images(IMAGES, 0.5, 0.3), CLASSES, noise, plan, seed=seed, path=path, stop=stop)


def test_training_continues_to_the_same_bits(tmp_path):
    whole = _train()
    path = tmp_path / "training" / "one.npz"
    cut = _train(path, stop=lambda step: step >= 6)
    assert len(cut.weights) == 2
    continued = _train(path)
    for name in ("weights", "loss_train", "marks"):
        np.testing.assert_array_equal(getattr(continued, name), getattr(whole, name))
    assert (whole.weights[0] == SMALL.start(0)).all()
    assert (whole.weights[1:] != whole.weights[:-1]).any(axis=1).all()
    found = _train(path, stop=lambda step: pytest.fail("a finished run trains no further"))
    np.testing.assert_array_equal(found.weights, whole.weights)
    assert (_train(seed=1).weights[0] != whole.weights[0]).any()


@pytest.mark.slow
def test_training_learns():
    """Images that are one of ten fields of grey, and the class says which: far below ln 10 in 60 updates."""
    grey = np.broadcast_to(CLASSES[:, None, None] / 10.0, IMAGES.shape).astype(np.float32) + 0.1 * IMAGES
    plan = Schedule(1e-2, 60, (0, 1, 50, 60), batch=20)
    found = train(SMALL, images(grey, 0.5, 0.3), CLASSES, Noise("input", sigma=1e-3), plan, seed=0)
    assert found.loss_train[-1] < 0.75 * np.log(10)


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "one.npz"
    _train(path)
    with pytest.raises(ip.InputError, match="another network"):
        train(Network((12, 12, 1), (3,), (10,)), images(IMAGES, 0.5, 0.3), CLASSES, Noise(), Schedule(1e-2, 3, (0,)),
              seed=0, path=path)  # fmt: skip
    with pytest.raises(ip.InputError, match="has 7274 weights"):
        Network().apart(torch.zeros(3))


def test_arms_cover_one_product_of_rate_and_steps():
    for arm in lossy_arms.ARMS:
        plan = lossy_arms.schedule(arm, lossy_arms.FULL)
        assert plan.rate * plan.steps == pytest.approx(300 * 59 * 1e-5, rel=1e-3)
        assert len(plan.marks) == 301
        assert (plan.marks[0], plan.marks[-1]) == (0, plan.steps)
    authors = next(arm for arm in lossy_arms.ARMS if arm.name == lossy_arms.AUTHORS)
    assert lossy_arms.schedule(authors, lossy_arms.FULL).marks == tuple(range(0, 59 * 301, 59))
    assert authors.noise == Noise("input", sigma=1e-3)
    assert lossy_measure.AUTHORS.estimator == ip.estimators.WeightedKL(k=5, weights="nearest")
    assert lossy_mnist_planes._epochs(lossy_arms.FULL.published) == list(range(301))
    files = [lossy_arms._file(arm, 0) for arm in lossy_arms.ARMS]
    assert len(set(files)) == len(files)


def test_the_reference_of_the_noise_is_the_root_mean_square():
    x = images(IMAGES, 0.5, 0.3)
    found = root_mean_squares(SMALL, SMALL.start(2), x)
    clean = evaluate(SMALL, SMALL.start(2), x, Noise(), (9,))
    np.testing.assert_allclose(found, [np.sqrt((clean[k] ** 2).mean()) for k in ("T1", "T2", "T3")], rtol=1e-6)


def _recording():
    task = ip.data.Task(IMAGES, CLASSES, "noise")
    x = images(IMAGES, 0.5, 0.3)
    codes = xr.DataArray(IMAGES.reshape(60, -1)[:, :4].astype(float), dims=("sample", "dim"))
    codes.attrs["described"] = "the first four pixels"
    noise = Noise("output", sigmas=(0.01, 0.01, 0.01))
    plan = Schedule(1e-2, 6, (0, 3, 6), batch=20)
    found = train(SMALL, x, CLASSES, noise, plan, seed=0)
    recording = lossy_measure.snapshots_of(found, SMALL, x, task, codes, 0, np.array([0, 1, 2]), {})
    return recording, found, x


def test_codes_and_layers_are_of_the_same_images():
    """Row by row: fails where either comes in another order."""
    recording, found, x = _recording()
    for row in (0, 17, 59):
        np.testing.assert_array_equal(recording.x[row], IMAGES[row].ravel()[:4])
        alone = evaluate(SMALL, found.weights[2], x[row : row + 1], Noise(), (0,))
        together = recording.activations(0, 2, "T1")[row]
        assert np.abs(together - alone["T1"]).max() < 6 * 0.01  # its noise, and no other image:
        others = recording.activations(0, 2, "T1")[np.arange(60) != row]
        assert np.abs(others - alone["T1"]).max(axis=1).min() > 6 * 0.01
    np.testing.assert_array_equal(recording.y, CLASSES)
    loss, accuracy = recording.scores[2]
    output = recording.activations(0, 2, "T4")
    assert loss == pytest.approx(-output[np.arange(60), CLASSES].mean(), rel=1e-5)
    assert accuracy == (output.argmax(axis=1) == CLASSES).mean()


def test_shuffled_codes_lose_the_information():
    """What the pairing is worth: the same estimate with codes in another order is about 0."""
    recording, _, _ = _recording()
    random = np.random.default_rng(0)
    n = 1500
    inputs = random.standard_normal((n, 2))
    layer = inputs @ random.standard_normal((2, 2)) + 0.3 * random.standard_normal((n, 2))
    wide = lossy_measure.Snapshots(
        lambda state, layers, stream, centres=False: {"T": layer},
        lambda row, column: np.zeros(1),
        [0],
        [0],
        xr.Dataset(coords={"seed": [0], "epoch": [0], "layer": ["T"]}),
        replace(_described(recording), probe=ip.recordings.Probe(random.integers(0, 2, n), inputs)),
    )
    for made, low, high in ((wide, 0.5, 5.0), (lossy_cifar10_planes.with_other_codes(wide), -0.05, 0.05)):
        plane = ip.information_plane(made, lossy_measure.KRASKOV, estimator_target=ip.estimators.Mixture(),
                                     channel=ip.channels.Identity())  # fmt: skip
        assert low < plane.mi_input.item() < high


def _described(recording):
    from infoplane.recordings.replay import Described

    return Described(("T",), recording.probe, "some", {"T": None}, {}, {}, (), {})


def test_noise_of_the_layers_is_declared():
    recording, _, _ = _recording()
    assert recording.own_noise("T1").sigma == 0.01
    assert recording.own_noise("T1").certain
    assert not recording.own_noise("T2").certain
    assert recording.own_noise("T4") is None
    coded = lossy_measure.coded(recording, lossy_measure.OURS)
    assert coded.compressed == (True, True)
    assert coded.activations(0, 1, "T1").shape == (60, 4)


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    with pytest.raises(ip.InputError, match=r"lossy-mnist trains with PyTorch; .*infoplane\[torch\]"):
        ip.experiments.run("lossy-mnist", quick=True)


def test_rises_and_falls_beyond_the_jitter():
    assert lossy_phases.legs(np.array([0.0, 1, 2, 1.9, 3, 1, 0, 2]), 0.5) == [(0, 4, 3.0), (4, 6, -3.0), (6, 7, 2.0)]
    assert lossy_phases.legs(np.array([3.0, 2.0, 1.0]), 0.5) == [(0, 2, -2.0)]
    assert lossy_phases.legs(np.full(9, 1.0), 0.5) == []
    flat = np.random.default_rng(0).standard_normal((200, 300))
    assert np.mean([lossy_phases.jitter(row) for row in flat]) == pytest.approx(1.0, abs=0.05)
    # Pure noise passes for a phase in a minority of curves, a real one of ten jitters always.
    assert np.mean([len(lossy_phases.legs(row)) > 0 for row in flat]) < 0.5
    hill = 5 * np.sin(np.linspace(0, np.pi, 300))
    assert all(len(lossy_phases.falls(2 * hill + row)) >= 1 for row in flat)


def test_falls_that_last_are_told_from_steps_in_any_order():
    random = np.random.default_rng(1)
    walks = np.cumsum(random.standard_normal((60, 100)), axis=1)
    found = [lossy_phases.fall_p_value(walk, seed) for seed, walk in enumerate(walks)]
    assert 0.0 < np.mean(np.array(found) <= 0.1) < 0.25  # 0.1 expected, deviation 0.04
    hill = np.sin(np.linspace(0, np.pi, 100)) + 0.001 * random.standard_normal(100)
    assert lossy_phases.fall_p_value(hill) == pytest.approx(0.001)
    assert lossy_phases.largest_fall(np.array([0.0, 3.0, 1.0, 2.0, 0.5, 4.0])) == 2.5


def test_series_that_share_a_clock_are_found_and_others_are_not():
    random = np.random.default_rng(2)
    smooth = np.convolve(random.standard_normal(400), np.ones(20) / 20, "same")
    later = np.roll(smooth, 3)
    assert lossy_phases.correlation(smooth, smooth) == pytest.approx(1.0)
    assert lossy_phases.best_lag(smooth, later, 10)[0] == 3
    assert lossy_phases.shifted_p_value(lossy_phases.correlation, smooth, smooth) == pytest.approx(1 / 400)
    unrelated = [
        lossy_phases.shifted_p_value(
            lossy_phases.correlation,
            *(np.convolve(random.standard_normal(219), np.ones(20) / 20, "valid") for _ in range(2)),
        )
        for _ in range(80)
    ]
    assert np.mean(np.array(unrelated) <= 0.1) < 0.1 + 4 * np.sqrt(0.09 / 80)
    assert lossy_phases.turning_together(smooth, smooth) == pytest.approx(1.0)
    assert abs(lossy_phases.turning_together(smooth, random.standard_normal(400))) < 4 / np.sqrt(400)


def test_windows_of_a_fast_fall():
    rates = np.array([1.0, 1.0, 5.0, 5.0, 1.0, 1.0])
    assert lossy_phases.share_as_fast(rates, 2, 4) == (pytest.approx(5 / (14 / 6)), pytest.approx(1 / 5))
    assert lossy_phases.share_as_fast(rates, 0, 2)[1] == 1.0


def _plane(mi_input, errors=0.1):
    mi_input = np.asarray(mi_input, float)
    cells = ("seed", "epoch", "layer")
    names = [f"T{k + 1}" for k in range(mi_input.shape[2])]
    found = xr.Dataset(
        {"mi_input": (cells, mi_input)}, {"seed": [0], "epoch": range(mi_input.shape[1]), "layer": names}
    )
    found["mi_input_stderr"] = (cells, np.full(mi_input.shape, errors))
    found["mi_target"], found["mi_target_stderr"] = found["mi_input"], found["mi_input_stderr"]
    found["loss_test"] = (("seed", "epoch"), np.exp(-np.arange(mi_input.shape[1]) / 20)[None])
    return found


def test_breaks_of_the_order_count_beyond_their_errors():
    plane = _plane([[[1.0, 1.2, 1.6], [3.0, 2.0, 1.0]]])
    raw, beyond = lossy_mnist_claims.broken(plane, "input")
    assert raw.tolist() == [[[True, True], [False, False]]]
    assert beyond.tolist() == [[[False, True], [False, False]]]  # 1.96 errors of a difference are 0.277
    verdict = lossy_mnist_claims._ordered({"one": plane}, "input", "I(X;T)")
    assert verdict.verdict == "fails"
    assert verdict.numbers["one: pairs of layers out of order beyond errors"] == "1 of 4"


def test_verdicts_on_phases_follow_the_curves():
    t = np.linspace(0, 1, 120)
    noise = 0.005 * np.random.default_rng(0).standard_normal(120)
    waves, rise = np.sin(5 * np.pi * t) + noise, t + noise
    assert lossy_mnist_claims._several({"a": _plane(waves[None, :, None])}, "a").verdict == "holds"
    assert lossy_mnist_claims._several({"a": _plane(rise[None, :, None])}, "a").verdict == "fails"
    # The loss falls fastest at the beginning: so does the first curve, and the second at the end.
    early, late = -(t**0.5), np.where(t < 0.8, t, 4 - 4 * t)
    assert lossy_mnist_claims._first_fall({"a": _plane((early + noise)[None, :, None])}, "a").verdict in (
        "holds",
        "fails",
    )
    assert lossy_mnist_claims._first_fall({"a": _plane((late + noise)[None, :, None])}, "a").verdict == "fails"
    assert lossy_mnist_claims._first_fall({"a": _plane(rise[None, :, None])}, "a").verdict == "unclear"
