"""French is complete: every text of the templates and the code is there, and what is compiled is what was written."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import unfold
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real
from django.utils.translation.template import templatize

from accounts.interface import Role
from accounts.models import User
from catalog.models import Category, Product
from inventory.models import Location, StockLevel
from replenishment.models import Request
from sales.models import Sale
from tests.admin import browser
from tests.config.test_admin import MODELS, list_of, one_of_each

SOURCE = Path(settings.BASE_DIR) / "src"
THEME = Path(unfold.__file__).parent
MESSAGES = SOURCE / "config" / "locale" / "fr" / "LC_MESSAGES"
MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}

Key = tuple[str, str]


def texts_of_code(code: str) -> Iterator[Key]:
    """Context and text of every call that marks a text."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
            texts = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
            if node.func.id.startswith("pgettext"):
                yield texts[0], texts[1]
            elif texts:  # or else a text that was marked elsewhere
                yield "", texts[0]


def texts_of_template(template: str) -> Iterator[Key]:
    """The same of a template, by way of what Django makes of it for xgettext."""
    calls = re.findall(r"(?:n|p)?gettext\((?:[^()\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')*\)", templatize(template))
    marked = re.findall(r" _\((?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')\)", templatize(template))
    for call in [*calls, *marked]:
        yield from texts_of_code(call.replace(' u"', ' "').replace("(u'", "('").strip())


def marked_texts(source: Path = SOURCE) -> set[Key]:
    python = [path.read_text() for path in source.rglob("*.py") if "migrations" not in path.parts]
    templates = [path.read_text() for path in source.rglob("templates/**/*.html")]
    return {key for code in python for key in texts_of_code(code)} | {
        key for template in templates for key in texts_of_template(template)
    }


def names() -> set[Key]:
    """What models and fields in the admin are called, which Django takes from the code."""
    sections = admin.site._registry.values()
    models = {model for section in sections for model in (section.model, *(row.model for row in section.inlines))}
    ours = [model for model in models if model._meta.app_label in {*settings.COMPTOIR_MODULES, "shared_kernel"}]
    with translation.override("en"):
        found = {str(apps.get_app_config(model._meta.app_label).verbose_name) for model in ours}
        for model in ours:
            found |= {str(model._meta.verbose_name), str(model._meta.verbose_name_plural)}
            found |= {
                str(text) for field in model._meta.fields for text in (field.verbose_name, field.help_text) if text
            }
    return {("", name) for name in found}


def written() -> dict[tuple[Key, int | None], str]:
    """What the .po file says: by context, text and number of the plural form; without the header."""
    found: dict[tuple[Key, int | None], str] = {}
    for entry in (MESSAGES / "django.po").read_text().split("\n\n")[1:]:
        fields: dict[str, str] = {}
        field = ""
        for line in entry.splitlines():
            if match := re.fullmatch(r'(?:(msg\S+) )?(".*")', line):
                field = match[1] or field
                fields[field] = fields.get(field, "") + ast.literal_eval(match[2])
        key = (fields.pop("msgctxt", ""), fields.pop("msgid"))
        fields.pop("msgid_plural", None)
        for field, text in fields.items():
            form = int(field[len("msgstr[") : -1]) if "[" in field else None
            found[key, form] = text
    return found


def test_every_text_has_its_french() -> None:
    known = {key for key, _ in written()}

    assert marked_texts() - known == set()
    assert [key for key, text in written().items() if not text] == []


def test_no_french_is_a_guess_or_left_over() -> None:
    text = (MESSAGES / "django.po").read_text()

    assert "fuzzy" not in text
    assert "#~" not in text
    assert {key for key, _ in written()} - marked_texts() - names() - marked_texts(THEME) == set()


def test_what_is_compiled_is_what_was_written() -> None:
    with (MESSAGES / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found = {}
    for key, text in compiled.items():
        name, form = key if isinstance(key, tuple) else (key, None)
        if name:
            context, _, message = name.rpartition("\x04")
            found[(context, message), form] = text

    assert found == written()


class Untranslated(gettext.NullTranslations):
    """Notes what is asked of it, since French does not have it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()

    def gettext(self, message: str) -> str:
        self.texts.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.texts.add(msgid1)
        return msgid1


def pages_of_the_admin() -> Iterator[tuple[str, dict[str, str]]]:
    """Every kind of page, and what to send to it; nothing opens it."""
    yield "/admin/", {}
    for model in MODELS:
        row = model.objects.first()  # type: ignore[attr-defined]
        for path in ("", "?q=none", f"{row.pk}/change/", f"{row.pk}/history/"):
            yield f"{list_of(model)}{path}", {}
    for model in (User, Category, Product, Location):
        yield f"{list_of(model)}add/", {}
    for path in ("import/", "export/"):
        yield f"{list_of(Product)}{path}", {}
    for model, actions in ((StockLevel, ("count", "adjust", "transfer")), (Request, ("approve", "reject"))):
        for action in actions:
            yield list_of(model), {"action": action, "_selected_action": str(model.objects.first().pk)}
    yield f"{list_of(Sale)}{Sale.objects.get().pk}/refund/", {}


@pytest.fixture
def untranslated(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is asked for in French from here on, and is not there."""
    asked = Untranslated()
    monkeypatch.setattr(trans_real.translation("fr"), "_fallback", asked)
    return asked.texts


def test_every_model_and_field_in_the_admin_has_its_french(untranslated: set[str]) -> None:
    with translation.override("fr"):
        for _context, name in names():
            translation.gettext(name)

    assert untranslated == set()


@pytest.mark.django_db
def test_the_admin_shows_no_english(untranslated: set[str]) -> None:
    one_of_each()
    client = browser(Role.HEAD_OFFICE)
    client.post("/i18n/setlang/", {"language": "fr"})

    answers = {path: client.post(path, sent) if sent else client.get(path) for path, sent in pages_of_the_admin()}
    login = Client(headers={"Accept-Language": "fr"}).get("/admin/login/")

    assert {path for path, answer in answers.items() if answer.status_code != 200} == set()
    assert 'lang="fr"' in login.content.decode()
    assert untranslated - {name for _code, name in settings.LANGUAGES} == set()


@pytest.mark.parametrize("text", ["{% translate 'Show' %}", '{% translate "Show" as label %}'])
def test_the_test_itself_sees_a_template_s_texts(text: str) -> None:
    template = f"{{% load i18n %}}{text}{{% blocktranslate with a=b %}}Page {{{{ a }}}}{{% endblocktranslate %}}"

    assert set(texts_of_template(template)) == {("", "Show"), ("", "Page %(a)s")}
