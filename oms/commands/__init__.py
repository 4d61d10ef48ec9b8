"""Commands with several forms, each a module: an application of typer's, that `oms.cli` puts under its name."""
