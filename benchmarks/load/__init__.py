"""`python -m oms bench` measures the goals for speed on real processes. Results: docs/evidence/performance.md."""
