"""A browser in the admin: who is logged in, the forms between choosing rows and acting on them, what a page costs."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.interface import Role
from accounts.models import User
from inventory.interface import Location
from tests.chain import make_person


def browser(role: Role, *stores: Location) -> Client:
    """A browser in which a member of staff is logged in."""
    client = Client()
    client.force_login(User.objects.get(email=make_person(role, *stores)))
    return client


def person_of(client: Client) -> UUID:
    """Who is logged in."""
    return UUID(client.session["_auth_user_id"])


class Step:
    """A form about some rows, as it was shown."""

    def __init__(self, client: Client, path: str, action: str = "", *rows: Any) -> None:
        self.client, self.path = client, path
        self.chosen: dict[str, Any] = {"action": action, "_selected_action": [str(row) for row in rows]}
        self.page = client.post(path, self.chosen) if action else client.get(path)
        self.hidden = {field.html_name: str(field.initial) for field in self.page.context["form"].hidden_fields()}

    def submit(self, **values: Any) -> Any:
        """Send it, filled in like this."""
        return self.client.post(self.path, self.chosen | self.hidden | values)


def shows_step(answer: Any) -> bool:
    """Whether the page is a form about some rows."""
    return answer.status_code == 200 and "admin/step.html" in [template.name for template in answer.templates]


def errors_of(answer: Any) -> dict[str, list[str]]:
    """What stands beside the fields of a form that came back; `__all__` stands above them."""
    assert answer.status_code == 200
    return dict(answer.context["form"].errors)


def told(answer: Any, client: Client) -> list[str]:
    """What the page after a form says."""
    assert answer.status_code == 302
    return [str(message) for message in client.get(answer["Location"]).context["messages"]]


def statements(client: Client, path: str) -> list[str]:
    """The statements that a page takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured]
