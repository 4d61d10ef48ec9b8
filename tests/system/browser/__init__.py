"""A package, so that its fixtures end with its last test; an idle instance and browser cost time."""
