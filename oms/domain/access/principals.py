"""Which principals are a customer's own."""

from typing import Final

CALLERS: Final = """
    SELECT 'account:' || id FROM accounts WHERE customer_reference = :reference
    UNION ALL SELECT 'token:' || id FROM access_tokens WHERE customer_reference = :reference
"""
"""SQL query for the principals of the customer with the bound :reference."""
