"""What is done with endpoints in several tests."""

from typing import Any
from uuid import UUID

from django.db import connection

from shared_kernel.ids import new_id
from shared_kernel.models import WebhookDelivery
from shared_kernel.webhooks import EndpointDraft, announce, create_endpoint

SECRET = "whsec_a-secret-of-an-integrator"


def endpoint_at(url: str, *event_types: str, **values: Any) -> UUID:
    endpoint_id = new_id()
    draft = EndpointDraft("Shop", url, list(event_types), **values)
    create_endpoint(endpoint_id=endpoint_id, secret=SECRET, draft=draft)
    return endpoint_id


def deliver_to_endpoint() -> WebhookDelivery:
    """An event on its way to a fresh endpoint, whose job is gone."""
    endpoint_id = endpoint_at("https://shop.example/hooks")
    announce(event={"id": str(new_id()), "type": "product.updated", "data": {"product_id": str(new_id())}})
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'send_webhook'")
    return WebhookDelivery.objects.get(endpoint_id=endpoint_id)
