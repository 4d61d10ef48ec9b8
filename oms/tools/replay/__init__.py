"""Plays real orders through the public API, as a cart, customers and couriers would. See docs/guides/replay.md.

It is a client: it knows the contract and nothing of the system behind it.
"""
