"""Who acts in a replay: the cart, customers and couriers; and what prepares and ends it."""
