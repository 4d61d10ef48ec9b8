"""Acts of staff that wait until a second person confirms them."""
