"""What staff write about an order, for one another."""
