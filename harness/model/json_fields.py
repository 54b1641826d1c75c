"""JSON objects read field by field, each with its type; what is wrong is named by file and field."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import DeclarationError
from harness.model.verdict import Verdict

Json = Mapping[str, Any]

_REQUIRED = object()


class Fields:
    """A JSON object whose fields are read with their types. `where` is told in errors."""

    def __init__(self, told: object, path: Path, where: str = "") -> None:
        self._path = path
        self._where = where
        if not isinstance(told, Mapping):
            raise DeclarationError(f"{path}: {where or 'the file'} is not a JSON object")
        self.told: Json = told

    def check_schema(self, newest: int) -> None:
        """Raises DeclarationError unless it has a number, and one that can be read."""
        schema = self.told.get("schema")
        if not isinstance(schema, int) or isinstance(schema, bool):
            raise DeclarationError(f"{self._path}: no schema number in it, so not a stored run")
        if schema > newest:
            raise DeclarationError(
                f"{self._path}: written by a newer aftershock (schema {schema}, this one reads up "
                f"to {newest}); upgrade aftershock to read it"
            )

    def text(self, name: str, default: object = _REQUIRED) -> str:
        found = self.told.get(name, default)
        if not isinstance(found, str):
            raise self._wrong(name, "text")
        return found

    def text_or_none(self, name: str) -> str | None:
        return None if self.told.get(name) is None else self.text(name)

    def whole(self, name: str, default: object = _REQUIRED) -> int:
        found = self.told.get(name, default)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self._wrong(name, "a whole number")
        return found

    def number(self, name: str) -> float | None:
        found = self.told.get(name)
        if found is None:
            return None
        if not isinstance(found, int | float) or isinstance(found, bool):
            raise self._wrong(name, "a number")
        return float(found)

    def flag(self, name: str) -> bool:
        found = self.told.get(name, False)
        if not isinstance(found, bool):
            raise self._wrong(name, "true or false")
        return found

    def verdict(self, name: str) -> Verdict:
        try:
            return Verdict(self.text(name))
        except ValueError:
            raise self._wrong(name, "a verdict") from None

    def texts(self, name: str) -> tuple[str, ...]:
        found = self._list(name)
        if not all(isinstance(item, str) for item in found):
            raise self._wrong(name, "a list of texts")
        return tuple(found)

    def each(self, name: str) -> list["Fields"]:
        return [
            Fields(item, self._path, f"{self._at(name)}[{place}]")
            for place, item in enumerate(self._list(name))
        ]

    def mapping(self, name: str) -> Json:
        return self.inner(name).told

    def inner(self, name: str) -> "Fields":
        return Fields(self.told.get(name, {}), self._path, self._at(name))

    def inners(self) -> list[tuple[str, "Fields"]]:
        return [(name, self.inner(name)) for name in self.told]

    def _list(self, name: str) -> list[Any]:
        found = self.told.get(name, [])
        if not isinstance(found, list):
            raise self._wrong(name, "a list")
        return found

    def _at(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def _wrong(self, name: str, wanted: str) -> DeclarationError:
        return DeclarationError(f"{self._path}: {self._at(name)} is missing or not {wanted}")
