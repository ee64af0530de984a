"""Small pure things that everybody imports: the clock, ids, events."""
