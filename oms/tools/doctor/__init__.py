"""`python -m oms doctor`: orders that stand still, why, and what to do; and the health of the system."""
