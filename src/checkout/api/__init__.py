"""Checkout, orders and payments over REST; each file is one part of it."""

from ninja import Router

from checkout.api import orders, payments, placing

router = Router()
for part in (placing, orders, payments):
    router.add_router("", part.router)
