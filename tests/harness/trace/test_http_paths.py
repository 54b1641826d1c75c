"""Paths without what is in them of one request only."""

import pytest

from harness.trace.http_paths import Path, read_path

ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"


@pytest.mark.parametrize(
    ("path", "template", "variable"),
    [
        ("/orders", "/orders", ()),
        ("/orders/17/cancel", "/orders/{}/cancel", ("17",)),
        (f"/orders/{ID}", "/orders/{}", (ID,)),
        ("/users/1/orders/2", "/users/{}/orders/{}", ("1", "2")),
        ("/v2/orders/a-17", "/v2/orders/{}", ("a-17",)),
        ("/v2/orders/b-17", "/v2/orders/b-17", ()),
        ("/", "/", ()),
        ("//", "//", ()),
    ],
)
def test_numbers_ids_and_the_correlation_id_vary(
    path: str, template: str, variable: tuple[str, ...]
) -> None:
    assert read_path(path, "a-17") == Path(template, variable)


def test_an_empty_correlation_id_is_nowhere() -> None:
    assert read_path("/a//b", "") == Path("/a//b", ())
