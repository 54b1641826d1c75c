"""The SQL that a MariaDB server is set up with: names and passwords keep to their quotes."""

from pathlib import Path

import pytest

from harness.environments.recipes import mariadb_setup as setup


def test_the_names_of_mysql_are_taken_where_those_of_mariadb_say_nothing() -> None:
    """As the image takes them; an empty one says nothing."""
    environment = {
        "MARIADB_DATABASE": "a",
        "MYSQL_DATABASE": "b",
        "MARIADB_USER": "",
        "MYSQL_USER": "u",
    }

    found = [setup.variable(environment, name) for name in ("DATABASE", "USER", "PASSWORD")]
    assert found == ["a", "u", None]


def test_a_user_may_do_all_in_the_database_and_nothing_elsewhere() -> None:
    """In a grant an underscore stands for every character, and is made to stand for itself."""
    made = setup.accounts(root_password="it's", database="till_1", user=("sh'op", "a\\b"))

    assert made[-3:] == (
        "CREATE DATABASE `till_1`;",
        "CREATE USER 'sh\\'op'@'%' IDENTIFIED BY 'a\\\\b';",
        "GRANT ALL ON `till\\_1`.* TO 'sh\\'op'@'%';",
    )
    assert "ALTER USER 'root'@'localhost' IDENTIFIED BY 'it\\'s';" in made


@pytest.mark.parametrize(
    ("database", "user", "kinds"),
    [
        (None, None, []),
        ("a", None, ["CREATE DATABASE"]),
        (None, ("u", "p"), ["CREATE USER"]),
    ],
)
def test_what_is_not_wanted_is_not_made(
    database: str | None, user: tuple[str, str] | None, kinds: list[str]
) -> None:
    """root alone is always."""
    made = setup.accounts(root_password="r", database=database, user=user)[6:]

    assert [" ".join(statement.split()[:2]) for statement in made] == kinds


def test_the_system_tables_come_first(tmp_path: Path) -> None:
    """One statement a line, as a bootstrapping server reads them."""
    (tmp_path / "share").mkdir()
    for name in setup._SYSTEM_TABLES:
        (tmp_path / "share" / name).write_text(f"-- {name}")
    lines = setup.bootstrap(tmp_path, ["ONE;", "TWO;"]).splitlines()

    assert lines[:2] == ["CREATE DATABASE mysql;", "USE mysql;"]
    assert lines[3:] == [*(f"-- {name}" for name in setup._SYSTEM_TABLES), "ONE;", "TWO;"]
