"""Orders of the web shop and of resellers: from the cart to the money, and to the goods that leave or come back.

Owns orders, what becomes of them, and payments. Does not own carts (cart), stock and reservations (inventory), nor the
reports (sales), all of which it calls.
"""
