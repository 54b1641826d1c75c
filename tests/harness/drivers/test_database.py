"""What every database server answers, asked of both makes that there are."""

import pytest

from harness.drivers.database import Database, TableState
from harness.drivers.mariadb import MariaDB
from harness.drivers.postgres import Postgres


@pytest.mark.parametrize("make", [Postgres, MariaDB])
def test_a_driver_is_a_database(make: type[Postgres] | type[MariaDB]) -> None:
    """The type checker says so, too; its make is a word for people."""
    server: Database = make("127.0.0.1", 1, user="u", password="p")
    assert server.make == make.__name__.lower()


def test_states_of_tables_have_an_order() -> None:
    """So that two readings can be compared."""
    one = TableState(database="a", table="t", rows=2, digest=9)
    other = TableState(database="a", table="u", rows=1, digest=0)
    assert sorted([other, one]) == [one, other]
