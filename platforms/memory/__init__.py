"""The reference adapter: a small invented protocol, and a store that speaks it, in memory."""
