"""`python -m oms`: the one entry point."""

from oms.tools.cli.main import main

main()
