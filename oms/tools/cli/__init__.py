"""The commands of `python -m oms`."""
