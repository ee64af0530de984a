"""Stores and their records, as the platforms last showed them."""
