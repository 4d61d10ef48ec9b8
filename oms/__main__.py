"""`python -m oms`: the one entry point."""

from oms.cli import main

main()
