"""Retention features, a folder each. They never import each other."""
