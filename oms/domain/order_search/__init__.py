"""What orders are found by: their terms, written as they are placed, billed and booked."""
