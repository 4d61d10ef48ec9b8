"""Fraud control: the spending limits, maintenance mode and each customer's tally."""
