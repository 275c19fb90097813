"""`make bench`: requests over HTTP and the same SQL by pgbench, side by side, as a table in `docs/load-tests.md`."""
