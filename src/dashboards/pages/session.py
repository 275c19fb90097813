"""Coming and going, and how it all looks."""

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dashboards.forms import LoginForm
from dashboards.pages.page import show

THEMES = {"light", "dark", "auto"}
A_YEAR = 365 * 24 * 3600

login = LoginView.as_view(
    template_name="dashboards/login.html", authentication_form=LoginForm, redirect_authenticated_user=True
)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme for a year, if it is one, and go back to the page that it was chosen on."""
    given = request.POST.get("next", "")
    answer = redirect(given if url_has_allowed_host_and_scheme(given, {request.get_host()}) else "/")
    if (chosen := request.POST.get("theme")) in THEMES:
        answer.set_cookie("theme", chosen, max_age=A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure())
    return answer


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token, from before a login say, or from another site."""
    return show(request, "expired", status=403)
