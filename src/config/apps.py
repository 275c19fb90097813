from django.apps import AppConfig


class CompositionConfig(AppConfig):
    name = "config"
    verbose_name = "Comptoir"

    def ready(self) -> None:
        from config.wiring import wire

        wire()
