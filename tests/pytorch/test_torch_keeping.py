"""What becomes of snapshots: kept, kept as weights, measured at once; on disk they survive a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch_models import data, plain, train

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.estimators import Binned, PairwiseBounds, SamplePropagation, WeightedKL

PROBE = data(80, seed=7)


def watched(noise: float = 0.0, model: nn.Module | None = None, **settings: object) -> ip.torch.TorchWatch:
    model = plain() if model is None else model
    watch = ip.torch.watch(model, PROBE, **settings)  # type: ignore[arg-type]
    if noise:
        watch.noise(noise)
    train(model, look=lambda epoch: watch.snapshot(epoch, loss_train=1.0 / (1 + epoch)))
    return watch


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("on_disk", [False, True])
def test_kept_weights_give_the_same_activations(noise: float, on_disk: bool, tmp_path: Path) -> None:
    """Batch norm's averages are part of what is kept, and the noise of a snapshot is the same whenever asked."""
    kept = watched(noise, path=tmp_path / "a" if on_disk else None).recording
    replayed = watched(noise, keep="weights", path=tmp_path / "w" if on_disk else None).recording
    assert kept.epochs.tolist() == replayed.epochs.tolist() == [0, 1, 2]
    assert kept.layers == replayed.layers
    assert kept.noise == replayed.noise
    assert dict(kept.own_noises) == dict(replayed.own_noises)
    for epoch in (0, 2):
        for layer in kept.layers:
            np.testing.assert_array_equal(kept.activations(0, epoch, layer), replayed.activations(0, epoch, layer))
    assert kept.scalars.equals(replayed.scalars)
    np.testing.assert_allclose(replayed.scalars.loss_train[0], [1.0, 0.5, 1 / 3])


def test_a_folder_of_weights_is_read_by_its_network(tmp_path: Path) -> None:
    first = watched(keep="weights", path=tmp_path / "run").recording
    with pytest.raises(ip.InputError, match=r"keeps the weights of a user's own network .* keep='weights'"):
        ip.recordings.open(tmp_path / "run")
    again = ip.torch.watch(plain(), PROBE, keep="weights", path=tmp_path / "run")
    again.snapshot(5)
    assert again.recording.epochs.tolist() == [0, 1, 2, 5]
    np.testing.assert_array_equal(again.recording.activations(0, 1, "2"), first.activations(0, 1, "2"))
    other = nn.Sequential(nn.Linear(10, 3), nn.Tanh(), nn.Linear(3, 2))
    with pytest.raises(ip.InputError, match="holds another recording"):
        ip.torch.watch(other, PROBE, keep="weights", path=tmp_path / "run").snapshot(6)


def test_replayed_recordings_can_be_saved(tmp_path: Path) -> None:
    recording = watched(0.1, keep="weights").recording
    recording.save(tmp_path / "saved")
    opened = ip.recordings.open(tmp_path / "saved")
    np.testing.assert_array_equal(opened.activations(0, 1, "5"), recording.activations(0, 1, "5"))
    assert dict(opened.own_noises) == dict(recording.own_noises)
    with pytest.raises(ip.InputError, match="activations only, from which no pass can be made again"):
        opened.propagate(0, 1, "2", 3)


@pytest.mark.slow
def test_noisy_passes_through_a_torch_network() -> None:
    """From the same weights the sample propagation of both roads agrees within its errors."""
    task = ip.data.twelve_bit()
    network = ip.networks.MLP([12, 4, 3, 2], "tanh", noise=ip.networks.AdditiveNoise(0.3))
    own = ip.networks.train_ensemble(network, task, seeds=1, epochs=10, checkpoint_epochs=[10])
    parts: list[nn.Module] = []
    for weights, biases in own.weights(0, 10):
        linear = nn.Linear(weights.shape[1], weights.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.array(weights)))
            linear.bias.copy_(torch.from_numpy(np.array(biases)))
        parts += [linear, nn.Tanh()]
    watch = ip.torch.watch(
        nn.Sequential(*parts[:-1]), (torch.from_numpy(task.x), torch.from_numpy(task.y)), keep="weights"
    )
    watch.noise(0.3)
    watch.snapshot(10)
    planes = [
        ip.information_plane(r, SamplePropagation(), layers=r.layers[:2], epochs=[10]) for r in (own, watch.recording)
    ]
    for name in ("mi_input", "mi_target"):
        a, b = (p[name].to_numpy()[0, 0] for p in planes)
        errors = np.hypot(*(p[f"{name}_stderr"].to_numpy()[0, 0] for p in planes))
        assert (np.abs(a - b) < 4 * errors + 0.01).all()


@pytest.mark.parametrize("estimator", [PairwiseBounds(0.1), Binned(bins=8, kind="adaptive")])
def test_measured_at_once_or_afterwards(estimator: ip.estimators.Estimator) -> None:
    at_once = watched(estimator=estimator, null=3)
    with pytest.raises(ip.InputError, match="keeps no snapshots"):
        _ = at_once.recording
    both = watched(estimator=estimator, keep="activations")
    afterwards = ip.information_plane(both.recording, estimator)
    for found in (at_once.plane, both.plane):
        assert found.epoch.to_numpy().tolist() == [0, 1, 2]
        for name in ("mi_input", "mi_target", "loss_train", "compression", "violations_input", "saturated"):
            np.testing.assert_array_equal(found[name], afterwards[name])
            assert found[name].dtype == afterwards[name].dtype
        assert found.mi_input.attrs == afterwards.mi_input.attrs
    assert at_once.plane.mi_target_p_value.notnull().all()
    with pytest.raises(ip.InputError, match="has no estimator"):
        _ = watched().plane


def test_measured_at_once_continues_after_a_stop(tmp_path: Path) -> None:
    watch = watched(estimator=PairwiseBounds(0.1), path=tmp_path / "run")
    again = ip.torch.watch(plain(), PROBE, estimator=PairwiseBounds(0.1), path=tmp_path / "run")
    again.snapshot(7, loss_train=0.0)
    assert again.plane.epoch.to_numpy().tolist() == [0, 1, 2, 7]
    np.testing.assert_array_equal(again.plane.mi_input[:, :3], watch.plane.mi_input)
    with pytest.raises(ip.InputError, match=r"was measured with PairwiseBounds\(sigma=0.1"):
        ip.torch.watch(plain(), PROBE, estimator=PairwiseBounds(0.2), path=tmp_path / "run")


def test_ranges_of_all_epochs_cannot_be_known_at_once() -> None:
    with pytest.raises(ip.InputError, match="sets its range by all epochs"):
        ip.torch.watch(plain(), PROBE, estimator=Binned(30))
    ip.torch.watch(plain(), PROBE, estimator=Binned(30, range=(-1, 1))).snapshot(0)


def test_codes_on_the_way_are_those_of_the_whole_layers() -> None:
    """Up to the sign of components, which no one decides."""
    streamed = watched(0.3, compressor=PCA(3)).recording
    kept = watched(0.3).recording
    codes = ip.recordings.compressed(kept, layers=PCA(3))
    assert streamed.compressed == (False, True)
    for layer in ("2", "5"):
        a, b = streamed.activations(0, 2, layer), codes.activations(0, 2, layer)
        np.testing.assert_allclose(a * np.sign((a * b).sum(axis=0)), b, atol=1e-4)
    plane = ip.information_plane(streamed, WeightedKL(k=5))
    assert plane.mi_target.attrs["quantity"].endswith("of compressed variables")
    for name in ("explained_variance", "snr_bound", "loss_bound_input"):
        np.testing.assert_allclose(plane[name][0, 2, :2], codes.scalars[name][0, 2, :2], rtol=0.02)


def test_memory_is_bounded_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infoplane.watching.sinks._MOST_BYTES", 10_000)
    with pytest.raises(ip.InputError, match=r"name a folder \(path=...\), measure at once"):
        watched()


def test_resumed_noise_is_the_stored_one(tmp_path: Path) -> None:
    first = ip.torch.watch(plain(), PROBE, path=tmp_path / "run")
    sigmas = first.noise(0.5, relative=True).sigmas
    first.snapshot(0)
    later = train(plain())  # its layers have other deviations by now
    again = ip.torch.watch(later, PROBE, path=tmp_path / "run")
    assert again.noise(0.5, relative=True).sigmas == sigmas
    again.snapshot(1)
    assert again.recording.epochs.tolist() == [0, 1]


SCRIPT = """
    import os, signal, sys, numpy as np, torch
    from torch import nn
    import infoplane as ip
    from infoplane.recordings import layout
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, {width}), nn.Tanh(), nn.Linear({width}, 2))
    x = torch.randn({n}, 10)
    watch = ip.torch.watch(model, (x, torch.arange({n}) % 2), layers=["1"], path=sys.argv[1])
    resource = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    for epoch in range({epochs}):
        if epoch == {kill}:
            replace = layout.Path.replace
            def die(path, target):  # the file is written, not yet in its place
                os.kill(os.getpid(), signal.SIGKILL)
            layout.Path.replace = die
        watch.snapshot(epoch, loss_train=float(epoch))
        if epoch == 3:
            early = resource()
    print(resource() - early)
"""


def run(path: Path, **numbers: int) -> subprocess.CompletedProcess:
    script = textwrap.dedent(SCRIPT).format(**numbers)
    return subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_kill_in_a_snapshot_loses_that_snapshot(tmp_path: Path) -> None:
    ended = run(tmp_path / "run", width=50, n=200, epochs=9, kill=5)
    assert ended.returncode == -signal.SIGKILL
    with pytest.warns(UserWarning, match="cut off, or is being written, in the middle of a snapshot"):
        recording = ip.recordings.open(tmp_path / "run")
    assert recording.epochs.tolist() == [0, 1, 2, 3, 4]
    assert any("that snapshot is left out" in note for note in recording.notes)
    assert recording.scalars.loss_train[0].to_numpy().tolist() == [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_memory_does_not_grow_with_snapshots(tmp_path: Path) -> None:
    """Two million floats each, 8 MB: ten of them would be 80 MB."""
    ended = run(tmp_path / "run", width=1000, n=2000, epochs=14, kill=-1)
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 30
    assert len((tmp_path / "run" / "index.jsonl").read_text().splitlines()) == 14


def test_header_says_what_was_watched(tmp_path: Path) -> None:
    watch = ip.torch.watch(plain(), PROBE, path=tmp_path / "run", pooling={"2": ip.torch.Projection(4)})
    watch.noise(0.1, layers=["2"])
    watch.snapshot(0)
    header = json.loads((tmp_path / "run" / "recording.json").read_text())
    assert header["pooled"] == {"2": "random projection to 4"}
    assert header["own_noises"] == {"2": {"kind": "additive", "sigma": 0.1, "certain": True}}
    opened = ip.recordings.open(tmp_path / "run")
    assert dict(opened.pooled) == header["pooled"]
    plane = ip.information_plane(opened, ip.estimators.KSG(), layers=["2"])
    assert plane.mi_input.attrs["quantity"] == "I(X;T) of the noisy network (T: random projection to 4)"


def test_several_networks_in_one_folder(tmp_path: Path) -> None:
    for seed in (0, 1):
        watch = ip.torch.watch(plain(seed), PROBE, path=tmp_path / "run", seed=seed)
        for epoch in (0, 1):
            watch.snapshot(epoch, loss_train=float(epoch + seed))
    for recording in (watch.recording, ip.recordings.open(tmp_path / "run")):
        assert recording.seeds.tolist() == [0, 1]
        assert recording.scalars.loss_train.to_numpy().tolist() == [[0, 1], [1, 2]]
        assert np.abs(recording.activations(0, 0, "2") - recording.activations(1, 0, "2")).max() > 0.1
