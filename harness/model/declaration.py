"""What every declaration of a suite is checked for as soon as it is made."""

from collections.abc import Iterable

from harness.errors import DeclarationError


def require(holds: bool, of: object, says: str) -> None:
    """Raises DeclarationError, naming the declaration's kind, where it does not hold."""
    if not holds:
        raise DeclarationError(f"{type(of).__name__}: {says}")


def require_names(of: object, **names: str | None) -> None:
    """Names of nodes, tables, columns and the like: text that can be printed. None: left out."""
    for field, name in names.items():
        if name is not None:
            require(
                bool(name) and name.isprintable(),
                of,
                f"{field}={name!r} is no name",
            )


def require_texts(of: object, field: str, texts: Iterable[str]) -> None:
    """Several names under one field; a lone text is a slip that Python would take apart."""
    require(not isinstance(texts, str), of, f"{field}={texts!r} must be several: put it in a tuple")
    for text in texts:
        require_names(of, **{field: text})
