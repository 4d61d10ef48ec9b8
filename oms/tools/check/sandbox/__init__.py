"""The sandbox's log of calls, compared with the database as evidence from outside."""
