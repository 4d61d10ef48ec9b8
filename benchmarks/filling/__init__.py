"""Fills a database with finished orders by SQL, in minutes for ten million.

Each looks as if it had been placed, billed, booked, dispatched and delivered long ago.
`oms check` finds no violations, except that the sandbox's log does not know these orders.
"""
