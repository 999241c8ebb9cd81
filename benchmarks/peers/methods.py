"""One function a method. Run as a script by the Python of the package's own environment, so no import of this library's
benchmarks here, and of any package only inside its function.

Each function imports what it needs and returns what takes (x, y) and gives nats; settings are the package's own unless
named. y is (n,) integers where it is a label, else x and y are (n, d) float64.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Method = Callable[[np.ndarray, np.ndarray], float]


def _ours(name: str, **settings: object) -> Method:
    import infoplane as ip

    estimator = ip.estimators.by_name(name, **settings)
    return lambda x, y: ip.mutual_information(x, y, estimator).value


def our_choice() -> Method:
    """`infoplane.mutual_information(x, y)`, with the method left to it."""
    import infoplane as ip

    return lambda x, y: ip.mutual_information(x, y).value


def our_ksg() -> Method:
    return _ours("KSG", k=3)


def our_mixture() -> Method:
    return _ours("Mixture")


def our_weighted() -> Method:
    return _ours("WeightedKL")


def our_copula() -> Method:
    return _ours("Gaussian", copula="gaussian")


def our_infonce() -> Method:
    return _ours("InfoNCE")


def our_smile() -> Method:
    return _ours("SMILE")


def sklearn() -> Method:
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    def work(x: np.ndarray, y: np.ndarray) -> float:
        how = mutual_info_classif if y.dtype.kind == "i" else mutual_info_regression
        return float(how(x, y.ravel(), random_state=0)[0])

    return work


def npeet_plus() -> Method:
    from npeet_plus import mi, micd

    def work(x: np.ndarray, y: np.ndarray) -> float:
        labels = y.dtype.kind == "i"
        return float(micd(x, y[:, None], k=3, base=math.e) if labels else mi(x, y, k=3, base=math.e))

    return work


def ennemi() -> Method:
    from ennemi import estimate_mi

    return lambda x, y: float(estimate_mi(y.ravel(), x[:, 0], discrete_y=y.dtype.kind == "i")[0, 0])


def infomeasure() -> Method:
    import infomeasure

    return lambda x, y: float(infomeasure.mutual_information(x, y, approach="ksg", k=3, base="e"))


def bmi_ksg() -> Method:
    from bmi.estimators import KSGEnsembleFirstEstimator

    return lambda x, y: float(KSGEnsembleFirstEstimator(neighborhoods=(3,)).estimate(x, y))


def bmi_cca() -> Method:
    from bmi.estimators import CCAMutualInformationEstimator

    return lambda x, y: float(CCAMutualInformationEstimator().estimate(x, y))


def bmi_infonce() -> Method:
    from bmi.estimators import InfoNCEEstimator

    return lambda x, y: float(InfoNCEEstimator(verbose=False).estimate(x, y))


def latentmi() -> Method:
    from latentmi import lmi

    # It gives bits a sample, not a number for those it trained on.
    return lambda x, y: math.log(2) * float(np.nanmean(lmi.estimate(x, y)[0]))


def _torch_mist(name: str) -> Method:
    from torch_mist import estimate_mi

    def work(x: np.ndarray, y: np.ndarray) -> float:
        x, y = x.astype(np.float32), y.astype(np.float32)
        fit = len(x) * 8 // 10
        found = estimate_mi((x[:fit], y[:fit]), name, test_data=(x[fit:], y[fit:]), verbose=False, hidden_dims=[128])
        return float(found[0] if isinstance(found, tuple) else found)

    return work


def mist_infonce() -> Method:
    return _torch_mist("infonce")


def mist_smile() -> Method:
    return _torch_mist("smile")


def peak_mebibytes() -> float:
    """Most memory this process has held so far."""
    status = Path("/proc/self/status")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024 if status.exists() else math.nan


def main(method: str, data: str, once_above: float) -> dict[str, object]:
    """Call a method three times, fewer where that takes too long: the first call may compile."""
    x, y = np.load(f"{data}/x.npy"), np.load(f"{data}/y.npy")
    work = globals()[method]()
    before, times, value = peak_mebibytes(), [], math.nan
    while not times or (len(times) < 3 and sum(times) < once_above):
        start = time.perf_counter()
        value = work(x, y)
        times.append(time.perf_counter() - start)
    return {"value": value, "first": times[0], "warm": min(times[1:] or times), "mebibytes": peak_mebibytes() - before}


if __name__ == "__main__":
    _, chosen, folder, result = sys.argv
    Path(result).write_text(json.dumps(main(chosen, folder, once_above=20.0)))
