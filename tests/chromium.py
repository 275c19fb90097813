"""Where Chromium is, which the browser tests need."""

import shutil


def executable() -> str | None:
    """Chromium, where there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
