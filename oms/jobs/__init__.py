"""What the system does by itself: due work is claimed in batches and carried out, whatever crashes in between."""
