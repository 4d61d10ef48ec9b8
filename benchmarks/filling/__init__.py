"""Fills a database with finished orders by SQL that runs inside it: minutes for ten million, each as if it had been
placed, billed, booked, dispatched and delivered long ago.

`oms check` finds nothing against them, but for the sandbox's books: billing and courier never heard of these orders.
"""
