"""French is complete: every text of the templates and the code is there, and what is compiled is what was written."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation.template import templatize

SOURCE = Path(settings.BASE_DIR) / "src"
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


def marked_texts() -> set[Key]:
    python = [path.read_text() for path in SOURCE.rglob("*.py") if "migrations" not in path.parts]
    templates = [path.read_text() for path in SOURCE.rglob("templates/**/*.html")]
    return {key for code in python for key in texts_of_code(code)} | {
        key for template in templates for key in texts_of_template(template)
    }


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
    assert {key for key, _ in written()} - marked_texts() == set()


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


@pytest.mark.parametrize("text", ["{% translate 'Show' %}", '{% translate "Show" as label %}'])
def test_the_test_itself_sees_a_template_s_texts(text: str) -> None:
    template = f"{{% load i18n %}}{text}{{% blocktranslate with a=b %}}Page {{{{ a }}}}{{% endblocktranslate %}}"

    assert set(texts_of_template(template)) == {("", "Show"), ("", "Page %(a)s")}
