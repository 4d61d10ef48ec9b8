"""Violations, each planted by SQL in the honest shop, and the checks that must report them, and no others.

`$name` stands for an order by what happened to it (history.py). A check is named by the start of its sentence. Where
one change contradicts several rows, all checks that see it are named. The modules are found as those of the rules are.
"""
