from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower, Upper
from django.utils.crypto import salted_hmac
from django.utils.timezone import now
from django.utils.translation import gettext_lazy

from accounts import rules
from accounts.interface import Action, Language, Role
from accounts.interface import Address as AddressValue
from accounts.interface import ApiKey as ApiKeyValue
from accounts.interface import Customer as CustomerValue
from shared_kernel.ids import new_id


class UserManager(BaseUserManager["User"]):
    def customers(self) -> models.QuerySet["User"]:
        """Those who do not work here, erased ones included."""
        return self.exclude(works_here())

    def staff(self) -> models.QuerySet["User"]:
        """Those who work here, or did: a role is kept when its holder leaves."""
        return self.filter(works_here())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """For `manage.py createsuperuser`: the first account of an installation, with the head office's role."""
        user = self.create_user(email, password, **fields)
        user.memberships.create(role=Role.HEAD_OFFICE)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


def works_here() -> Exists:
    """Whether a person has a role in the chain."""
    return Exists(Membership.objects.filter(person=OuterRef("pk")))


class User(AbstractBaseUser, PermissionsMixin):
    """A person with a login."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField()
    name = models.CharField(max_length=200)
    # In E.164.
    phone = models.CharField(max_length=16, blank=True)
    language = models.CharField(
        max_length=2, choices=[(language.value, language.value) for language in Language], default=Language.EN
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Those that were the person's, as long as nobody has written there that they are not any more.
    former_emails = ArrayField(models.EmailField(), default=list, db_default=[], blank=True, editable=False)
    # How often all logins were ended: a browser's session holds as long as this stays.
    logins_ended = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        db_table = "person"
        verbose_name = "member of staff"
        verbose_name_plural = "staff"
        indexes = [
            # For what `icontains` asks of the name and the e-mail, and `contains` of the phone.
            GinIndex(
                OpClass(Upper("name"), "gin_trgm_ops"),
                OpClass(Upper("email"), "gin_trgm_ops"),
                OpClass("phone", "gin_trgm_ops"),
                fastupdate=False,
                name="person_search",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["email"], name="person_email_unique"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="person_email_lower_case"),
            models.CheckConstraint(condition=Q(phone="") | Q(phone__startswith="+"), name="person_phone_e164"),
            models.CheckConstraint(condition=Q(language__in=list(Language)), name="person_language_known"),
            models.CheckConstraint(
                condition=Q(erased_at=None)
                | Q(
                    name="",
                    phone="",
                    is_active=False,
                    email_verified_at=None,
                    former_emails=[],
                    email__endswith=rules.ERASED_DOMAIN,
                ),
                name="person_erased_for_good",
            ),
            # Django would let a superuser do everything, without asking the policy.
            models.CheckConstraint(condition=Q(is_superuser=False), name="person_has_roles_alone"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = self.email.lower()

    @property
    def is_staff(self) -> bool:
        """Whether the person may enter the admin: anybody who works here."""
        return self.may_enter and self.memberships.exists()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django has both of its public hashes from here, under this secret and under those before it.
        proof = f"{self.password}{self.logins_ended}"
        return salted_hmac("accounts.models.User", proof, secret=secret, algorithm="sha256").hexdigest()

    @property
    def may_enter(self) -> bool:
        """Whether the account may be used in this installation."""
        return rules.may_enter(self.email, in_production=settings.COMPTOIR_PRODUCTION)

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def erased(self) -> bool:
        return self.erased_at is not None

    def customer(self) -> CustomerValue:
        """This row as a published value."""
        return CustomerValue(
            id=self.id,
            email="" if self.erased else self.email,
            name=self.name,
            phone=self.phone,
            language=Language(self.language),
            email_verified=self.email_verified,
            erased=self.erased,
            created_at=self.created_at,
        )


class CustomerManager(UserManager):
    def get_queryset(self) -> models.QuerySet[User]:
        return super().get_queryset().exclude(works_here())


class Customer(User):
    """The same, of those who do not work here: for the admin, where staff and customers have lists of their own."""

    objects: ClassVar[CustomerManager] = CustomerManager()

    class Meta:
        proxy = True
        verbose_name = "customer"
        verbose_name_plural = "customers"

    def __str__(self) -> str:
        return str(self.id) if self.erased else self.email


class Membership(models.Model):
    """A role that a person holds: in one store, or, without a store, in the chain, whichever the role is for."""

    person = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    # Locations are inventory's: an id without a foreign key, like every reference to another module.
    store_id = models.UUIDField(null=True, blank=True)

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint("person", "role", "store_id", name="membership_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="membership_role_known"),
            models.CheckConstraint(
                condition=Q(role__in=rules.STORE_ROLES, store_id__isnull=False)
                | (~Q(role__in=rules.STORE_ROLES) & Q(store_id=None)),
                name="membership_where_it_counts",
                violation_error_message=gettext_lazy(
                    "Cashiers and store managers work in a store: choose it. Everybody else works for the whole chain."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} in {self.store_id or 'the chain'}"


class Address(models.Model):
    """A postal address in a customer's book."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    customer = models.ForeignKey(User, models.CASCADE, related_name="addresses")
    name = models.CharField(max_length=200)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100)
    postal_code = models.CharField(max_length=20, blank=True)
    region = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2)
    phone = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    default_billing = models.BooleanField(default=False)
    default_delivery = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        db_table = "address"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(default_billing=True), name="address_one_default_billing"
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(default_delivery=True), name="address_one_default_delivery"
            ),
            models.CheckConstraint(condition=Q(country__regex="^[A-Z]{2}$"), name="address_country_code"),
        ]

    def value(self) -> AddressValue:
        """This row as a published value."""
        return AddressValue(
            id=self.id,
            customer_id=self.customer_id,
            name=self.name,
            line1=self.line1,
            line2=self.line2,
            city=self.city,
            postal_code=self.postal_code,
            region=self.region,
            country=self.country,
            phone=self.phone,
            email=self.email,
            default_billing=self.default_billing,
            default_delivery=self.default_delivery,
        )


class Login(models.Model):
    """A login that goes on: all the tokens that came of one password. Without its row, none of them holds."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(User, models.CASCADE, related_name="logins")
    # Of the one refresh token that may be exchanged.
    digest = models.BinaryField()
    # Of the one before, which nobody sends but a thief, or whom a thief was faster than.
    former_digest = models.BinaryField(default=b"", db_default=b"")
    created_at = models.DateTimeField(default=now)
    refreshed_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        db_table = "login"


class ApiKey(models.Model):
    """A machine's key. What the machine sends is not kept: only its digest, and its beginning for people to know it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.BinaryField(unique=True)
    name = models.CharField(max_length=200)
    scopes = ArrayField(models.CharField(max_length=40))
    store_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_key"
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="api_key_may_something"),
        ]

    def value(self) -> ApiKeyValue:
        """This row as a published value; a scope that is no action any more, or none of a store, allows nothing."""
        return ApiKeyValue(
            id=self.id,
            prefix=self.prefix,
            name=self.name,
            scopes=frozenset(
                action
                for action in Action
                if action in self.scopes and (self.store_id is None or action in rules.OF_STORES)
            ),
            store_id=self.store_id,
            created_at=self.created_at,
            expires_at=self.expires_at,
            revoked_at=self.revoked_at,
            last_used_at=self.last_used_at,
        )
