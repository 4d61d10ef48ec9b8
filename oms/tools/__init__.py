"""Commands and development tools around the product."""
