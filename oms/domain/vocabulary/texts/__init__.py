"""Texts that people write in many ways: countries, telephone numbers, and whatever is searched for."""
