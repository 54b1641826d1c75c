"""What the other declarations are refused for."""

from collections.abc import Callable

import pytest

from harness.errors import DeclarationError
from harness.model.guarantees import Acknowledged, Conserved, Replica, Retries, Sum, Table

HERE, THERE = Table(node="a-db", name="tickets"), Table(node="b-db", name="copies")
ALL = Sum(node="a-db", table="seats", column="free")
BY = Sum(node="a-db", table="seats", column="free", by="hall")


@pytest.mark.parametrize(
    "declare, reason",
    [
        (lambda: Table(node="a-db", name=""), "Table: name='' is no name"),
        (lambda: Replica(source=HERE, copy=THERE, key="id", columns=()), "no column has to be"),
        (lambda: Replica(source=HERE, copy=THERE, key="id", columns="id"), "put it in a tuple"),
        (lambda: Replica(source=HERE, copy=THERE, key="i", columns={"a": ""}), "is no name"),
        (lambda: Conserved(name="seats", sums=()), "nothing is summed"),
        (lambda: Conserved(name="seats", sums=(ALL, BY)), "all of its sums are by a column"),
        (lambda: Sum(node="a-db", table="seats", column="free", sign=2), "neither 1 nor -1"),
        (
            lambda: Acknowledged(f="sell", node="a", table="t", key="k", states={"s": "x"}),
            "put it in a tuple",
        ),
        (lambda: Retries(node="a", table="t", key="k", column="n", at_most=-1), "is below 0"),
    ],
)
def test_a_wrong_declaration_is_refused(declare: Callable[[], object], reason: str) -> None:
    """When it is made."""
    with pytest.raises(DeclarationError, match=reason):
        declare()


def test_columns_have_the_same_names_unless_said_otherwise() -> None:
    """In the source and in the copy."""
    plain = Replica(source=HERE, copy=THERE, key="id", columns=("state", "seats"))
    assert plain.renamed == {"state": "state", "seats": "seats"}
    told = Replica(source=HERE, copy=THERE, key="id", columns={"state": "status"})
    assert told.renamed == {"state": "status"}
