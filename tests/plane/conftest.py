"""One small trained ensemble for all tests of planes."""

from __future__ import annotations

import pytest

from infoplane import data
from infoplane.networks import MLP, Adam, train_ensemble


@pytest.fixture(scope="session")
def trained():
    """Two tanh networks on the 12-bit task, three checkpoints."""
    network = MLP([12, 5, 3, 2])
    return train_ensemble(
        network, data.twelve_bit(), seeds=[0, 4], epochs=12, optimizer=Adam(5e-3), checkpoint_epochs=[3]
    )
