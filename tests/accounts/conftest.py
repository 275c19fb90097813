from tests.catalog.conftest import published

__all__ = ["published"]
