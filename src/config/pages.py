"""The addresses outside the API and the admin: the welcome page and health."""

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from shared_kernel.cache import is_there


def welcome(request: HttpRequest) -> HttpResponse:
    """Where a visitor starts."""
    return render(request, "welcome.html")


def live(request: HttpRequest) -> JsonResponse:
    """Whether this process answers at all."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """Whether this process can serve: 503 when the database is away, lacks migrations or the queue's tables.

    It can without the cache.
    """
    checks = _database_checks()
    is_ready = set(checks.values()) == {"ok"}
    body = {
        "status": "ready" if is_ready else "not ready",
        **checks,
        "cache": _cache_check(),
        "modules": dict.fromkeys(settings.COMPTOIR_MODULES, "in process"),
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _cache_check() -> str:
    if not settings.REDIS_URL:
        return "none"
    return "ok" if is_there() else "away"


def _database_checks() -> dict[str, str]:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        tables = connection.introspection.table_names()
    except Error:
        return {"database": "away", "migrations": "unknown", "queue": "unknown"}
    return {
        "database": "ok",
        "migrations": f"{len(missing)} missing: run manage.py migrate" if missing else "ok",
        "queue": "ok" if "procrastinate_jobs" in tables else "missing: run manage.py migrate",
    }
