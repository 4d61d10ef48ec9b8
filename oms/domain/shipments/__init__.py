"""Shipments: what leaves one warehouse together, the unit of billing and delivery."""
