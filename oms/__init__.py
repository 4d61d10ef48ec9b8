"""An order management system: takes orders and carries each of them to its final status."""
