"""Sweeps: an experiment, or a function of one's own, over a grid of settings, estimators and seeds.

A sweep is a TOML file (:func:`read`); each point of its grid is a job, each job's result one file named by the hash of
what the job is (:func:`sweep`), on this machine or on a cluster; all of them together are one dataset over the grid
(:func:`gather`).

>>> done = sweep("study.toml")  # doctest: +SKIP
>>> gather(done.folder)  # doctest: +SKIP
"""

from .cluster import Cluster
from .gather import gather
from .perform import Outcome
from .processes import Processes
from .run import Failure, Status, Stopped, Summary, plan, sweep
from .spec import Job, Spec, read

__all__ = [
    "Cluster",
    "Failure",
    "Job",
    "Outcome",
    "Processes",
    "Spec",
    "Status",
    "Stopped",
    "Summary",
    "gather",
    "plan",
    "read",
    "sweep",
]
