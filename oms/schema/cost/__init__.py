"""What an operation may cost: limits, prices, and the guard that checks both before execution."""
