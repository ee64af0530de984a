"""Prints one figure of the evidence: ``python -m tests.evidence.read laws examples``."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    file, figure = sys.argv[1:]
    evidence = json.loads((Path(__file__).parent / f"{file}.json").read_text(encoding="utf-8"))
    sys.stdout.write(f"{evidence[figure]}\n")
