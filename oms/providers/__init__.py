"""Ports to the billing system and the courier system, and what implements them."""
