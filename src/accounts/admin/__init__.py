"""People, customers and machines in Django's admin; each file is one part of it."""

from accounts.admin.customers import CustomerAdmin
from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.people import MembershipInline, PersonAdmin

__all__ = ["ApiKeyAdmin", "CustomerAdmin", "MembershipInline", "PersonAdmin"]
