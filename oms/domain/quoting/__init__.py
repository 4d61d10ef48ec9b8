"""What an order would cost before it is charged."""
