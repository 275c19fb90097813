"""Answers that everybody may read: browsers and proxies keep them, and ask whether they have changed."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.utils.cache import patch_cache_control
from django.views.decorators.http import conditional_page

from shared_kernel.cache import caching

View = Callable[..., Any]


def public(name: str) -> Callable[[View], View]:
    """Give a view's answers an ETag, and let them be kept for as long as `config/caching.py` says of this name.

    What somebody is told who says who they are is not to be kept, although it is the same; nor what a view says is not.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: Any, *args: Any, **kwargs: Any) -> Any:
            response = view(request, *args, **kwargs)
            if response.status_code == 200 and "Cache-Control" not in response and not _says_who(request):
                max_age = caching(name).public_seconds
                patch_cache_control(response, public=True, max_age=max_age, must_revalidate=True)
            return response

        return conditional_page(answer)

    return decorate


def _says_who(request: Any) -> bool:
    return (
        "Authorization" in request.headers
        or "X-API-Key" in request.headers
        or settings.SESSION_COOKIE_NAME in request.COOKIES
    )
