"""Pages for couriers."""
