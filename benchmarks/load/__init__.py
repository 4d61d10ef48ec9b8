"""`python -m oms bench`: the goals for speed, measured on real processes. What came of it: docs/performance.md."""
