"""What stores ask of the warehouse: their requests, what becomes of them, and suggestions of what to ask for.

Owns requests and suggestions. Owns no stock: that is inventory's, moved in the transaction of a decision.
"""
