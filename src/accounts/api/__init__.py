"""People over REST: `/auth/login/` and `/customers/`."""

from accounts.api import addresses, customers, logins, passwords

# The names come before what stands for any customer's id.
urlpatterns = [
    *logins.urlpatterns,
    *passwords.urlpatterns,
    *customers.urlpatterns,
    *addresses.urlpatterns,
]
