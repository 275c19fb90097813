"""The composition root: settings, wiring, API, URLs, logging. The one package that knows all the others."""
