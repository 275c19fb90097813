"""Carries out what `checkout.interface` publishes; each file is one part of it."""

from checkout.service.forgetting import Forgetting
from checkout.service.listing import Listing
from checkout.service.noticing import Noticing
from checkout.service.paying import Paying
from checkout.service.placing import Placing
from checkout.service.proving import Proving
from checkout.service.refunding import Refunding
from checkout.service.settling import Settling
from checkout.service.steps import Steps


class CheckoutService(Placing, Listing, Steps, Paying, Settling, Refunding, Forgetting, Noticing, Proving):
    """The checkout."""
