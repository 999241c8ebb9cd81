"""Mutual information by this library and by other packages, each in an environment of its own, on the same data."""
