"""Finds and loads suites: a folder with a `suite.py` that defines `SUITE`.

Looked for, in order: a path given as such, `suites/<name>` under the current folder, the suites
that come with aftershock.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from harness.errors import DeclarationError
from harness.model.suite import Suite

_PACKAGE = "aftershock_suites"
_SHIPPED = (Path(__file__).parents[2] / "suites", Path(__file__).parents[1] / "_bundled" / "suites")


def load(name: str) -> Suite:
    """The suite of that name or path. Raises DeclarationError."""
    folder = _find(name)
    suite = getattr(_import(folder), "SUITE", None)
    if not isinstance(suite, Suite):
        raise DeclarationError(
            f"{folder / 'suite.py'}: no `SUITE` in it; it must be a harness.model.suite.Suite"
        )
    return suite


def names() -> tuple[str, ...]:
    """Every suite that can be named from here, the nearest first."""
    found = (f.name for root in _roots() for f in sorted(root.glob("*")) if _is_suite(f))
    return tuple(dict.fromkeys(found))


def _roots() -> Iterator[Path]:
    yield from (root for root in (Path.cwd() / "suites", *_SHIPPED) if root.is_dir())


def _is_suite(folder: Path) -> bool:
    return (folder / "suite.py").is_file()


def _find(name: str) -> Path:
    if Path(name).name != name:
        folder = Path(name).resolve()
        folder = folder.parent if folder.name == "suite.py" else folder
        if _is_suite(folder):
            return folder
        raise DeclarationError(f"{name}: no suite.py there")
    for root in _roots():
        if _is_suite(root / name):
            return root / name
    known = ", ".join(names()) or "none"
    raise DeclarationError(f"no suite {name!r}; there are: {known} (or give a path)")


def _import(folder: Path) -> ModuleType:
    """Import suite.py as a module of a package of its own, so that its neighbours can be
    imported relatively whatever else is named `suites`."""
    package = f"{_PACKAGE}.{folder.name}"
    # Another folder of the same name may have been loaded before; its modules are not this one's.
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        del sys.modules[name]
    for name, places in ((_PACKAGE, []), (package, [str(folder)])):
        holder = ModuleType(name)
        holder.__path__ = places
        sys.modules[name] = holder
    path = folder / "suite.py"
    spec = importlib.util.spec_from_file_location(f"{package}.suite", path)
    if spec is None or spec.loader is None:
        raise DeclarationError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        where = _line_in(folder, error)
        raise DeclarationError(f"{where}: {type(error).__name__}: {error}") from error
    return module


def _line_in(folder: Path, error: Exception) -> str:
    """The deepest line of the suite's own files in the traceback."""
    where, trace = str(folder / "suite.py"), error.__traceback__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if Path(file).parent == folder:
            where = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
