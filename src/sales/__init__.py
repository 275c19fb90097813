"""What was sold and given back, where, when and for how much; and the reports drawn from it.

Owns sales with their lines and payments, the numbers of their receipts, and till sessions. Owns neither prices
(catalog's) nor stock (inventory's, moved in a sale's transaction).
"""
