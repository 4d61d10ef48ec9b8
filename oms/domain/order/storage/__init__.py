"""Loading and saving the aggregate, and what follows from a change of it."""
