"""Allocating orders to warehouses."""
