from django.apps import AppConfig


class CompositionConfig(AppConfig):
    name = "config"
    verbose_name = "Comptoir"

    def ready(self) -> None:
        from procrastinate.contrib.django import app

        from config.wiring import wire
        from shared_kernel.audit import named_job

        wire()
        app.worker_defaults.setdefault("task_middleware", []).append(named_job)
