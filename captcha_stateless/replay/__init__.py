"""Which attempts are spent: the one thing that a deployment remembers."""
