"""Fraud control: the spending limit, maintenance mode and each customer's tally."""
