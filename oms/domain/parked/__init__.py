"""Work that keeps failing: parked, retried or given up."""
