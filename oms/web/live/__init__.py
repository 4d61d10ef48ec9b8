"""Live changes: from database notifications to open streams."""
