import json
from typing import Any

from django.core.management.base import BaseCommand
from drf_spectacular.generators import SchemaGenerator


class Command(BaseCommand):
    help = "Print the OpenAPI document of the whole REST API."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        document = SchemaGenerator().get_schema(request=None, public=True)
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str))
