"""Several local devices within a job: an ensemble is spread over them and is the same."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import infoplane as ip

TRAIN = """
import sys
import numpy as np
import jax
import infoplane as ip
from infoplane.networks.program import Program

seen, advance = set(), Program.advance
def watched(self, state, data, start, stop):
    seen.update(state.parameters.devices() | data.x.devices())
    return advance(self, state, data, start, stop)
Program.advance = watched
recording = ip.networks.train_ensemble(
    ip.networks.MLP([12, 4, 2], "tanh"), ip.data.twelve_bit(), seeds=5, epochs=4, batch_size=None, checkpoint_epochs=2
)
print(len(jax.local_devices()), len(seen))
activations = [recording.activations(k, 4, recording.layers[0]) for k in range(5)]
np.savez(sys.argv[1], activations=activations, loss=recording.scalars.loss_test)
"""


@pytest.mark.slow
def test_an_ensemble_is_spread_over_local_devices_and_stays_the_same(tmp_path):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    command = [sys.executable, "-c", TRAIN, str(tmp_path / "two.npz")]
    done = subprocess.run(command, env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "2"]
    here = ip.networks.train_ensemble(
        ip.networks.MLP([12, 4, 2], "tanh"),
        ip.data.twelve_bit(),
        seeds=5,
        epochs=4,
        batch_size=None,
        checkpoint_epochs=2,
    )
    with np.load(tmp_path / "two.npz") as two:
        # Four steps in single precision, sums over 4096 samples of 6e-8 each: other orders of summing stay below.
        np.testing.assert_allclose(two["loss"], here.scalars.loss_test, rtol=1e-4)
        np.testing.assert_allclose(
            two["activations"], [here.activations(k, 4, here.layers[0]) for k in range(5)], atol=1e-4
        )
