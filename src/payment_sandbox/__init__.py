"""A card processor to try payments with: a web server that charges test cards, and keeps its books in a file.

`python -m payment_sandbox --port 8100 --data FILE.sqlite --webhook URL --secret S`. It may be killed at any moment:
what it answered stays true, a key is charged once, and whatever it has to tell is told until somebody says that they
heard. It imports nothing of the shop, and the shop speaks to it over HTTP alone. `docs/payments.md` says how, and
which card does what.
"""
