"""Benchmarks against the plain way of doing the same; never part of the tests."""
