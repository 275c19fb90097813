"""Every address that the application answers."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerView

from config import pages
from config.api import api
from config.metrics import metrics

# What is asked most stands first: Django tries one after the other.
urlpatterns = [
    path("health/live", pages.live),
    path("api/v1/", include("catalog.api")),
    path("api/v1/", include("accounts.api")),
    path("api/v1/", api.urls),
    path("api/v1/", include("config.validation")),
    path("api/v1/openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("api/v1/docs/", SpectacularSwaggerView.as_view(url_name="openapi")),
    path("api/v1/redoc/", SpectacularRedocView.as_view(url_name="openapi")),
    path("", pages.welcome),
    path("", include("dashboards.urls")),
    path("health/ready", pages.ready),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
