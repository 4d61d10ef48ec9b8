"""How a concept describes itself, and the registry from which every central table is derived."""
