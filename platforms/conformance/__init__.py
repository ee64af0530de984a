"""The suite that every adapter must pass; shipped, so that third parties run it too."""
