"""What is where: warehouses and stores, stock levels, the ledger of movements, reservations. Owns no product data.

The one number for stock lives here. Every change of it goes through one statement, in `service/posting.py`.
"""
