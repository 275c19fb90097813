"""`make boundaries`: draws the modules and their calls, from the imports themselves, into `docs/modules.md`."""

import sys
import tomllib
from pathlib import Path

import grimp

UNDRAWN = {"config", "shared_kernel"}

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "modules.md"

TEXT = """\
# The modules

Drawn from the imports in `src/` by `make boundaries`; `make test` fails when it is out of date. An arrow means "calls,
through the interface"; the number is how many files do. Everything may use `shared_kernel`, and `config` wires
everything, so neither is drawn.

```mermaid
flowchart TD
{arrows}
```

| Module | Owns | Publishes |
|---|---|---|
{rows}
"""


def render() -> str:
    """The document as it should be."""
    sys.path.insert(0, str(ROOT / "src"))
    packages = root_packages()
    graph = grimp.build_graph(*packages, cache_dir=None)
    modules = [package for package in packages if package not in UNDRAWN]
    arrows = []
    for caller in modules:
        for called in modules:
            interface = f"{called}.interface"
            importers = graph.find_modules_that_directly_import(interface) if interface in graph.modules else set()
            files = {importer for importer in importers if importer.startswith(f"{caller}.") and caller != called}
            if files:
                arrows.append(f"    {caller} -- {len(files)} --> {called}")
    rows = [f"| `{module}` | {owns(module)} | {publishes(module, graph.modules)} |" for module in modules]
    return TEXT.format(arrows="\n".join(arrows), rows="\n".join(rows))


def root_packages() -> list[str]:
    """The packages that the import contracts know."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        packages: list[str] = tomllib.load(file)["tool"]["importlinter"]["root_packages"]
    return packages


def publishes(module: str, files: set[str]) -> str:
    """Where others may ask a module; nothing for the pages, which nobody asks."""
    return f"`{module}.interface`" if f"{module}.interface" in files else "–"


def owns(module: str) -> str:
    """The first sentence of a module's docstring."""
    docstring = __import__(module).__doc__ or ""
    return docstring.strip().split("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    DOCUMENT.write_text(render())
    print(f"Wrote {DOCUMENT.relative_to(ROOT)}.")  # noqa: T201 it reports to whoever ran make
