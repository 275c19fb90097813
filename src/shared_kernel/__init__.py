"""What every module stands on: refusals, money, ids, published interfaces, events, the Postgres backend. No business.

Owns no business table; `idempotency_key`, the answers given to retried calls, lives in `public` beside Django's own.
"""
