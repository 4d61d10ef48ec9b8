"""Booking: a courier's acceptance of a shipment."""
