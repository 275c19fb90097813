"""Whatever README, changelog and docs/ name of this repository is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = [ROOT / "src", ROOT / "tests", ROOT / "docs", ROOT / "deploy"]
HERE = [*FOLDERS, *(path for folder in FOLDERS for path in folder.rglob("*")), *ROOT.glob("*.*")]

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
# A file's or a folder's name as code, with as much of its path as it takes, and perhaps a * in it.
NAME = re.compile(r"`([\w*-][\w*./-]*(?:\.(?:py|sql|md)|/))`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()

    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []
    assert [name for name in NAME.findall(text) if not any(path.match(name) for path in HERE)] == []
