"""Amended orders: the customer accepts what is left, or lets the deadline pass."""
