"""Pieces of a product."""

# The most that anything counts or moves at once: more is a slip of the keyboard.
MAX_QUANTITY = 1_000_000
