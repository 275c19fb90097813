"""What every REST operation shares, whichever framework serves it: bodies, pages, idempotency."""
