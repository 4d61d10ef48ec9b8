"""What goes wrong: outages that end by waiting, and bugs, which are masked to callers."""
