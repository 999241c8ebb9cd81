"""The recorded tanh run on the 12-bit task: an ensemble of ours must be one it could have come from."""

from __future__ import annotations

import numpy as np
import pytest

from infoplane import data, information_plane
from infoplane.estimators import Binned, PairwiseBounds
from infoplane.networks import MLP, train_ensemble

BITS = np.log(2)
EPOCHS = [0, 100, 400, 1500, 7999]
NAN = np.nan
# One run, its initialisation not recorded: (epoch, layer), bits.
MI_INPUT = np.array(
    [
        [12.00, 12.00, 11.61, 8.92, 5.29, 0.71],
        [12.00, 12.00, 11.66, 8.82, 6.35, 3.07],
        [NAN, NAN, 11.85, 9.81, 7.06, 2.40],
        [NAN, NAN, 11.75, 10.28, 5.78, 1.63],
        [11.99, 11.90, 11.76, 9.05, 2.43, 1.02],
    ]
)
MI_TARGET = np.array(
    [
        [0.999, 0.999, 0.904, 0.393, 0.152, 0.027],
        [0.999, 0.999, 0.983, 0.839, 0.719, 0.648],
        [NAN, NAN, 0.996, 0.939, 0.864, 0.767],
        [NAN, NAN, 0.992, 0.978, 0.971, 0.898],
        [0.999, 0.999, 0.998, 0.998, 0.977, 0.941],
    ]
)
ACCURACY_TRAIN, ACCURACY_TEST = np.array([0.52, 0.894, 0.935, 0.980, 1.0]), np.array([0.53, 0.879, 0.943, 0.963, 0.963])
UPPER, LOWER = [11.98, 11.80, 11.53, 8.53, 2.47, 1.04], [11.88, 11.31, 10.10, 6.71, 2.11, 1.02]


@pytest.fixture(scope="module")
def runs():
    network = MLP([12, 10, 7, 5, 4, 3, 2])
    return train_ensemble(network, data.twelve_bit(), seeds=10, epochs=8000, batch_size=512, checkpoint_epochs=EPOCHS)


def outside(values, reference, allowance):
    """Where a reference lies further from the ensemble's mean than the allowance and two deviations of a run."""
    limit = allowance + 2 * values.std("seed", ddof=1)
    return (np.abs(values.mean("seed") - reference) > limit).to_numpy()  # nan, not recorded, counts as inside


@pytest.mark.slow
def test_binned_plane_of_the_reference_run(runs):
    plane = information_plane(runs, Binned(30), epochs=EPOCHS)
    assert not outside(plane.mi_input / BITS, MI_INPUT, 1.0).any()
    assert not outside(plane.mi_target / BITS, MI_TARGET, 0.02).any()
    assert not outside(plane.accuracy_train, ACCURACY_TRAIN, 0.01).any()
    assert not outside(plane.accuracy_test, ACCURACY_TEST, 0.01).any()
    # The last hidden layer rises early and then falls by clearly more than a bit, in every network.
    last = plane.mi_input.sel(layer="hidden 5") / BITS
    assert ((last.max("epoch") - last.sel(epoch=7999)) > 1).all()


@pytest.mark.slow
def test_pairwise_interval_of_the_reference_run(runs):
    plane = information_plane(runs, PairwiseBounds(1e-3**0.5), epochs=[7999]).isel(epoch=0)
    assert not outside(plane.mi_input_upper / BITS, UPPER, 1.0).any()
    assert not outside(plane.mi_input_lower / BITS, LOWER, 1.0).any()
