"""The retention backend: everything that follows from snapshots, decisions and the time."""
