"""Sales, tills and reports over REST; each file is one part of it."""

from ninja import Router

from sales.api import dashboard, receipts, reports, tickets, tills

router = Router()
for part in (tickets, receipts, tills, reports, dashboard):
    router.add_router("", part.router)
