"""Diagnosis: which orders have not moved for longer than they should, why, and what would move them."""
