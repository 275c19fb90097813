from typing import Any

from django.core.management.base import BaseCommand

from shared_kernel.postgres.roles import apply_roles


class Command(BaseCommand):
    help = "Create the modules' database roles and grant each its own schema. Run it after every migration."

    def handle(self, *args: Any, **options: Any) -> None:
        apply_roles()
        self.stdout.write("Roles applied: each module's role may touch its own schema alone.")
