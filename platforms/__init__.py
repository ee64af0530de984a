"""All that an adapter author needs; knows nothing of ``connector``."""
