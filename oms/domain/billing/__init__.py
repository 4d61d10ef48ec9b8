"""Billing: invoices, charges and refunds of shipments."""
