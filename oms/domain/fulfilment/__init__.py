"""Dispatching and delivering shipments."""
