"""What an operation costs, before it is executed."""
