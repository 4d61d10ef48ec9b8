"""`python -m oms doctor`: every order that stands still, why, what would move it; and whether the system is well."""
