"""The loyalty fold and its parts: pure, without clock, database or await."""
