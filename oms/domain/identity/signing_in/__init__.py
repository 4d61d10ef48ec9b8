"""How people get in: lanes for hashing passwords, browsers that are known, and the personas of the demo."""
