"""Points: an append-only ledger, and the only code that writes it."""
