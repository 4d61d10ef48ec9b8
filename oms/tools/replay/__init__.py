"""Sends real orders to the public API, as a cart, customers and couriers would. See docs/guides/replay.md.

It is a client: it knows only the public contract.
"""
