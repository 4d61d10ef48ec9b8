"""The audit trail: who did what to whom and why, where no order's own trail says it."""
