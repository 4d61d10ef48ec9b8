"""Figures of the shop: orders placed, money taken, shipments delivered, and how long they took to the door."""
