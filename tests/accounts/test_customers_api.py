"""Customers over REST: their account, their addresses, and who else may see them."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.interface import Role
from accounts.models import Address, User
from shared_kernel.ids import new_id
from tests.accounts.actions import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    code_in,
    customer_client,
    letters,
    nothing_changes,
    register,
)
from tests.catalog.test_api import call, fields_in_error
from tests.chain import client_of, make_store, post

pytestmark = pytest.mark.django_db

CAMILLE = {"email": EMAIL, "name": "Camille Martin", "phone": "06 12 34 56 78", "language": "fr"}
HOME = {"name": "Camille", "line1": "12 rue Mercière", "city": "Lyon", "postal_code": "69002", "country": "FR"}
CUSTOMERS = "/api/v1/customers/"


@pytest.fixture
def camille() -> Client:
    register(name="Camille Martin")
    return customer_client()


def outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# --- Coming in -------------------------------------------------------------------------------------------------------


def test_somebody_registers_and_logs_in() -> None:
    made = post(Client(), "/customers/register/", CAMILLE | {"password": PASSWORD})
    tokens = post(Client(), "/customers/login/", {"email": EMAIL.upper(), "password": PASSWORD})
    me = Client(headers={"Authorization": f"Bearer {tokens.json()['access']}"}).get(f"{CUSTOMERS}me/")

    assert (made.status_code, tokens.status_code, me.status_code) == (201, 200, 200)
    assert me.json() == made.json()
    assert made.json() == {
        "id": str(User.objects.get().id),
        "email": EMAIL,
        "name": "Camille Martin",
        "phone": "+33612345678",
        "language": "fr",
        "email_verified": False,
        "erased": False,
        "created_at": made.json()["created_at"],
    }


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"name": ""}, ["name"]),
        ({"name": 12}, ["name"]),
        ({"phone": "12"}, ["phone"]),
        ({"language": "xx"}, ["language"]),
        ({"password": "password"}, ["password"]),
        ({"password": "x" * 129}, ["password"]),
        ({"email": "x@y", "name": ""}, ["email", "name"]),
    ],
)
def test_who_registers_badly_is_told_so(values: dict[str, Any], fields: list[str]) -> None:
    with nothing_changes():
        answer = post(Client(), "/customers/register/", CAMILLE | {"password": PASSWORD} | values)

    assert fields_in_error(answer) == fields


@pytest.mark.parametrize(
    "field", ["id", "role", "roles", "is_active", "is_staff", "is_superuser", "email_verified", "created_at", "erased"]
)
def test_nobody_sets_what_is_not_theirs(camille: Client, field: str) -> None:
    with nothing_changes():
        answers = [
            post(Client(), "/customers/register/", CAMILLE | {"email": "a@b.fr", "password": PASSWORD, field: "x"}),
            call(camille, "PUT", f"{CUSTOMERS}me/", CAMILLE | {field: "x"}),
            call(camille, "PATCH", f"{CUSTOMERS}me/", {field: "x"}),
        ]

    assert [fields_in_error(answer) for answer in answers] == [[field]] * 3


def test_a_taken_address_is_a_conflict(camille: Client) -> None:
    register(email="marc@example.com")

    with nothing_changes():
        answers = [
            post(Client(), "/customers/register/", CAMILLE | {"email": EMAIL.upper(), "password": PASSWORD}),
            call(camille, "PATCH", f"{CUSTOMERS}me/", {"email": "Marc@Example.com", "current_password": PASSWORD}),
        ]

    assert [outcome(answer) for answer in answers] == [(409, "email_taken")] * 2


def test_a_refresh_token_works_once_and_logging_out_ends_the_login() -> None:
    register()
    first = post(Client(), "/customers/login/", {"email": EMAIL, "password": PASSWORD}).json()
    second = post(Client(), "/customers/token/refresh/", {"refresh": first["refresh"]}).json()

    out = [post(Client(), "/customers/logout/", {"refresh": second["refresh"]}).status_code for _ in range(2)]
    late = post(Client(), "/customers/token/refresh/", {"refresh": second["refresh"]})
    me = Client(headers={"Authorization": f"Bearer {second['access']}"}).get(f"{CUSTOMERS}me/")

    assert out == [204, 204]
    assert (outcome(late), outcome(me)) == ((401, "invalid_token"), (401, "invalid_token"))


def test_a_stolen_refresh_token_ends_the_login() -> None:
    register()
    first = post(Client(), "/customers/login/", {"email": EMAIL, "password": PASSWORD}).json()
    second = post(Client(), "/customers/token/refresh/", {"refresh": first["refresh"]}).json()

    answers = [
        post(Client(), "/customers/token/refresh/", pair)
        for pair in [{"refresh": first["refresh"]}, {"refresh": second["refresh"]}]
    ]

    assert [outcome(answer) for answer in answers] == [(401, "invalid_token")] * 2


# --- One's own account -----------------------------------------------------------------------------------------------


def test_details_are_replaced_or_changed_in_part(camille: Client) -> None:
    changed = call(camille, "PATCH", f"{CUSTOMERS}me/", {"phone": "06 12 34 56 78", "language": "fr"})
    replaced = call(camille, "PUT", f"{CUSTOMERS}me/", {"email": EMAIL, "name": "Camille"})

    assert (changed.status_code, replaced.status_code) == (200, 200)
    assert (changed.json()["name"], changed.json()["phone"]) == ("Camille Martin", "+33612345678")
    assert (replaced.json()["name"], replaced.json()["phone"], replaced.json()["language"]) == ("Camille", "", "en")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("name", ["me", "id"])
def test_another_e_mail_takes_the_password(camille: Client, method: str, name: str) -> None:
    customer_id = User.objects.get().id
    path = f"{CUSTOMERS}{'me' if name == 'me' else customer_id}/"
    wanted = CAMILLE | {"email": "other@example.com"}

    with nothing_changes():
        refusals = [call(camille, method, path, wanted | more) for more in ({}, {"current_password": "wrong"})]
    taken = call(camille, method, path, wanted | {"current_password": PASSWORD})

    assert [fields_in_error(answer) for answer in refusals] == [["current_password"]] * 2
    assert (taken.status_code, taken.json()["email"]) == (200, "other@example.com")
    assert outcome(camille.get(path)) == (401, "invalid_token")


def test_the_head_office_changes_an_e_mail_without_the_customers_password(camille: Client) -> None:
    path = f"{CUSTOMERS}{User.objects.get().id}/"

    answer = call(client_of(Role.HEAD_OFFICE), "PATCH", path, {"email": "other@example.com"})

    assert (answer.status_code, answer.json()["email"]) == (200, "other@example.com")


def test_an_account_is_reached_by_its_id_too(camille: Client) -> None:
    customer_id = User.objects.get().id

    assert camille.get(f"{CUSTOMERS}{customer_id}/").json() == camille.get(f"{CUSTOMERS}me/").json()


def test_an_erased_customer_is_gone(camille: Client) -> None:
    post(camille, "/customers/me/addresses/", HOME)

    answer = call(camille, "DELETE", f"{CUSTOMERS}me/")

    assert answer.status_code == 204
    assert outcome(camille.get(f"{CUSTOMERS}me/")) == (401, "invalid_token")
    assert outcome(post(Client(), "/auth/login/", {"email": EMAIL, "password": PASSWORD})) == (401, "bad_credentials")
    head = client_of(Role.HEAD_OFFICE)
    erased = head.get(f"{CUSTOMERS}{User.objects.get(erased_at__isnull=False).id}/").json()
    assert (erased["erased"], erased["name"], erased["email"]) == (True, "", "")
    assert head.get(CUSTOMERS).json()["count"] == 0
    assert call(head, "DELETE", f"{CUSTOMERS}{erased['id']}/").status_code == 204


def test_everything_held_may_be_taken_away(camille: Client) -> None:
    address = post(camille, "/customers/me/addresses/", HOME).json()

    answer = camille.get(f"{CUSTOMERS}me/export/")

    assert answer.status_code == 200
    assert answer.json()["customer"]["email"] == EMAIL
    assert [each["id"] for each in answer.json()["addresses"]] == [address["id"]]
    assert [login.keys() for login in answer.json()["logins"]] == [{"started_at", "refreshed_at"}]


def test_a_password_is_changed(camille: Client) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

    weak = post(camille, "/customers/me/password/", body | {"new_password": "password"})
    changed = post(camille, "/customers/me/password/", body)

    assert fields_in_error(weak) == ["new_password"]
    assert changed.status_code == 204
    assert outcome(camille.get(f"{CUSTOMERS}me/")) == (401, "invalid_token")
    assert post(Client(), "/auth/login/", {"email": EMAIL, "password": NEW_PASSWORD}).status_code == 200


def test_a_forgotten_password_is_reset_and_nobody_learns_who_has_an_account() -> None:
    register()
    letters().clear()

    asked = [post(Client(), "/customers/password/reset/", {"email": email}) for email in [EMAIL, "no@example.com"]]
    [letter] = letters()
    body = {"code": code_in(letter), "new_password": NEW_PASSWORD}
    answers = [post(Client(), "/customers/password/reset/confirm/", body) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in asked] == [(204, b"")] * 2
    assert answers[0].status_code == 204
    assert outcome(answers[1]) == (422, "invalid_code")
    assert post(Client(), "/auth/login/", {"email": EMAIL, "password": NEW_PASSWORD}).status_code == 200


def test_an_address_is_verified(camille: Client) -> None:
    assert post(camille, "/customers/me/email/verification/", {}).status_code == 204

    answers = [post(Client(), "/customers/email/verify/", {"code": code}) for code in [code_in(letters()[-1]), "x"]]

    assert answers[0].status_code == 204
    assert outcome(answers[1]) == (422, "invalid_code")
    assert camille.get(f"{CUSTOMERS}me/").json()["email_verified"] is True


# --- Addresses -------------------------------------------------------------------------------------------------------


def test_addresses_come_change_and_go(camille: Client) -> None:
    made = post(camille, "/customers/me/addresses/", HOME)
    path = f"{CUSTOMERS}me/addresses/{made.json()['id']}/"
    changed = call(camille, "PUT", path, HOME | {"line2": "3e étage", "phone": "06 12 34 56 78"})

    assert (made.status_code, changed.status_code) == (201, 200)
    assert made.json() == HOME | {
        "id": str(Address.objects.get().id),
        "line2": "",
        "region": "",
        "phone": "",
        "email": "",
        "default_billing": True,
        "default_delivery": True,
    }
    assert (changed.json()["line2"], changed.json()["phone"]) == ("3e étage", "+33612345678")
    assert changed.json()["default_billing"] is False
    assert camille.get(path).json() == changed.json()
    page = camille.get(f"{CUSTOMERS}me/addresses/").json()
    assert (page["count"], page["next"], page["results"]) == (1, None, [changed.json()])
    assert [call(camille, "DELETE", path).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"postal_code": "6900"}, ["postal_code"]),
        ({"country": "XX"}, ["country"]),
        ({"country": "France"}, ["country"]),
        ({"email": "nobody"}, ["email"]),
        ({"phone": "12"}, ["phone"]),
        ({"default_billing": "perhaps"}, ["default_billing"]),
        ({"customer": "me"}, ["customer"]),
        ({"id": "x"}, ["id"]),
    ],
)
def test_a_wrong_address_is_told_so(camille: Client, values: dict[str, Any], fields: list[str]) -> None:
    with nothing_changes():
        answer = post(camille, "/customers/me/addresses/", HOME | values)

    assert fields_in_error(answer) == fields


# --- Who else --------------------------------------------------------------------------------------------------------


def attempts(client: Client, customer_id: UUID | str, address_id: UUID) -> list[int]:
    """The status of everything that may be done with an account."""
    account = f"{CUSTOMERS}{customer_id}/"
    return [
        call(client, method, path, body).status_code
        for method, path, body in [
            ("GET", account, None),
            ("PUT", account, CAMILLE),
            ("PATCH", account, {"name": "Other"}),
            ("DELETE", account, None),
            ("GET", f"{account}addresses/", None),
            ("POST", f"{account}addresses/", HOME),
            ("GET", f"{account}addresses/{address_id}/", None),
            ("PUT", f"{account}addresses/{address_id}/", HOME),
            ("DELETE", f"{account}addresses/{address_id}/", None),
        ]
    ]


@pytest.mark.parametrize("role", [None, Role.CASHIER, Role.WAREHOUSE, Role.CATALOG_MANAGER])
def test_somebody_elses_account_does_not_exist(camille: Client, role: Role | None) -> None:
    address_id = UUID(post(camille, "/customers/me/addresses/", HOME).json()["id"])
    customer_id = User.objects.get().id
    register(email="marc@example.com")
    client = client_of(role, make_store()) if role else customer_client("marc@example.com")

    with nothing_changes():
        assert attempts(client, customer_id, address_id) == [404] * 9
        assert call(client, "PUT", f"{CUSTOMERS}me/addresses/{address_id}/", HOME).status_code == 404
        assert call(client, "DELETE", f"{CUSTOMERS}me/addresses/{address_id}/").status_code == 404
        assert outcome(client.get(CUSTOMERS)) == (403, "not_allowed")


def test_a_store_manager_reads_customers_and_changes_none(camille: Client) -> None:
    address_id = UUID(post(camille, "/customers/me/addresses/", HOME).json()["id"])
    manager, customer_id = client_of(Role.STORE_MANAGER, make_store()), User.objects.get(email=EMAIL).id

    with nothing_changes():
        assert attempts(manager, customer_id, address_id) == [200, 404, 404, 404, 200, 404, 200, 404, 404]
        assert manager.get(CUSTOMERS).status_code == 200


def test_the_head_office_does_all_of_it(camille: Client) -> None:
    address_id = UUID(post(camille, "/customers/me/addresses/", HOME).json()["id"])
    head, customer_id = client_of(Role.HEAD_OFFICE), User.objects.get(email=EMAIL).id

    # The fourth erases the customer, of whom only the account's shell is left to see.
    assert attempts(head, customer_id, address_id) == [200, 200, 200, 204, 200, 404, 404, 404, 404]


def test_nobody_reaches_an_account_without_a_login(camille: Client) -> None:
    address_id = UUID(post(camille, "/customers/me/addresses/", HOME).json()["id"])

    with nothing_changes():
        for customer_id in ["me", User.objects.get().id]:
            assert attempts(Client(), customer_id, address_id) == [401] * 9
        for path in ["", "me/export/"]:
            assert Client().get(CUSTOMERS + path).status_code == 401
        for path in ["me/password/", "me/email/verification/"]:
            assert post(Client(), f"/customers/{path}", {}).status_code == 401


def test_what_is_no_customer_is_not_found() -> None:
    head = client_of(Role.HEAD_OFFICE)

    for customer_id in ["me", str(new_id()), "nonsense", "0"]:
        assert head.get(f"{CUSTOMERS}{customer_id}/").status_code == 404
        assert head.get(f"{CUSTOMERS}{customer_id}/addresses/").status_code == 404
    assert outcome(head.get(f"{CUSTOMERS}me/export/")) == (404, "customer_not_found")


def test_staff_look_customers_up() -> None:
    register(name="Zoé Durand", email="zoe@example.com", phone="06 12 34 56 78")
    register(name="Camille Martin")
    head = client_of(Role.HEAD_OFFICE)

    def names(query: str = "") -> list[str]:
        return [customer["name"] for customer in head.get(f"{CUSTOMERS}?{query}").json()["results"]]

    assert names() == ["Camille Martin", "Zoé Durand"]
    assert names("search=durand") == names("search=ZOE@") == names("search=61234") == ["Zoé Durand"]
    assert names("search=nobody") == []
    assert names("page_size=1&page=2") == ["Zoé Durand"]
    assert fields_in_error(head.get(f"{CUSTOMERS}?role=cashier")) == ["role"]
