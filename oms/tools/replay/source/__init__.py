"""The source data: order files, and the catalogue and stock that they need."""
