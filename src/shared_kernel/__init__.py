"""What every module stands on: refusals, money, ids, published interfaces, events, the Postgres backend. No business.

Owns no business table. What it keeps for all modules lives in `public` beside Django's own: `idempotency_key` (the
answers given to retried calls), `rate_limit`, `webhook_endpoint`, `webhook_delivery` and `audit_entry`.
"""
