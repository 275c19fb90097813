"""Shopping carts: what customers, and visitors who are not known yet, mean to buy.

Owns carts, their lines and what their holders have to be told. Owns no stock and keeps none: what is in a cart can be
bought by somebody else until it is ordered.
"""
