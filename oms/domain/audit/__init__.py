"""The audit log: who did what to whom and why. Where an order's event says it, the entry refers to the event."""
