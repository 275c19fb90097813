from typing import Any

import pytest


@pytest.fixture(autouse=True)
def uncollected_static_files(settings: Any) -> None:
    """Pages name their files as they are, without a manifest of collected ones."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
