"""Pictures that people upload: only raster pictures of three types, told by their content and not by their name."""
