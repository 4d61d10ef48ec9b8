"""Benchmarks: each prints figures and asserts nothing. See benchmarks/README.md."""
