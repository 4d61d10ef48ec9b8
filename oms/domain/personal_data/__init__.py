"""Export and erasure of what is held about a customer."""
