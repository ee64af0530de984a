"""``python -m connector.cli`` is ``perennial``."""

from connector.cli import main

main()
