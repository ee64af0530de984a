"""Between platforms and our tables: inbox, fetching, listings, and the outbox."""
