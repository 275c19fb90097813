from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now

from accounts import rules
from accounts.interface import Role
from shared_kernel.ids import new_id


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """For `manage.py createsuperuser`: the first account of an installation, with the head office's role."""
        user = self.create_user(email, password, is_superuser=True, **fields)
        user.memberships.create(role=Role.HEAD_OFFICE)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person with a login."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField()
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        db_table = "person"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(fields=["email"], name="person_email_unique"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="person_email_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = self.email.lower()

    @property
    def is_staff(self) -> bool:
        """Whether the person may enter the admin: anybody who works here."""
        return self.may_enter and (self.is_superuser or self.memberships.exists())

    @property
    def may_enter(self) -> bool:
        """Whether the account may be used in this installation."""
        return rules.may_enter(self.email, in_production=settings.COMPTOIR_PRODUCTION)


class Membership(models.Model):
    """A role that a person holds: in one store, or, without a store, in the chain."""

    person = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    # Locations are inventory's: an id without a foreign key, like every reference to another module.
    store_id = models.UUIDField(null=True, blank=True)

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint("person", "role", "store_id", name="membership_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} in {self.store_id or 'the chain'}"
