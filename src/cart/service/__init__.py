"""Carries out what `cart.interface` publishes; each file is one part of it.

Locking policy: whatever changes what is in a cart locks the cart's row first; of several, customers' before anonymous
ones.
"""

from cart.service.holding import Holding
from cart.service.leaving import Leaving


class CartService(Holding, Leaving):
    """The carts."""
