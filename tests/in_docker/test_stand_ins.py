"""The stand-ins keep the contract of the official images, as far as the engine can tell."""

import asyncio
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import ContainerError

from harness.environments.docker import images
from harness.model.system import Role
from harness.testing import eventually

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

PORTS = {
    Role.POSTGRES: "5432/tcp",
    Role.MARIADB: "3306/tcp",
    Role.KAFKA: "9092/tcp",
    Role.KAFKA_CONNECT: "8083/tcp",
}


@pytest.mark.parametrize("role", images.STAND_INS, ids=lambda role: role.value)
def test_what_an_image_tells_of_itself(role: Role, engine: "DockerClient") -> None:
    """Its port, its health check, and a user that is not root."""
    tag = images.STAND_INS[role]
    config: dict[str, Any] = engine.images.get(tag).attrs["Config"]

    assert list(config["ExposedPorts"]) == [PORTS[role]]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"][images.CONTENT_LABEL]
    uid = engine.containers.run(tag, ["-u"], entrypoint="id", remove=True, network_mode="none")
    assert int(uid) > 0


def test_postgres_refuses_to_begin_without_a_password(engine: "DockerClient") -> None:
    """As the official image does."""
    with pytest.raises(ContainerError, match="POSTGRES_PASSWORD is not set"):
        engine.containers.run(
            images.STAND_INS[Role.POSTGRES], remove=True, network_mode="none", stderr=True
        )


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "MARIADB_ROOT_PASSWORD is not set"),
        ({"MYSQL_ROOT_PASSWORD": "r", "MARIADB_USER": "u"}, "MARIADB_PASSWORD is not set"),
    ],
)
def test_mariadb_refuses_to_begin_without_a_password(
    environment: dict[str, str], says: str, engine: "DockerClient"
) -> None:
    """root's, and that of the user that is wanted."""
    with pytest.raises(ContainerError, match=says):
        engine.containers.run(
            images.STAND_INS[Role.MARIADB], remove=True, network_mode="none", stderr=True,
            environment=environment,
        )  # fmt: skip


@pytest.fixture
def mariadb(engine: "DockerClient", tmp_path: Path) -> Iterator[Callable[..., "Container"]]:
    """Makes a server with these scripts, that nobody but it itself reaches."""
    made: list[Container] = []

    folder = tmp_path / "scripts"
    folder.mkdir(mode=0o755)  # the server is another user
    environment = {
        "MARIADB_ROOT_PASSWORD": "it's", "MARIADB_DATABASE": "till_1",
        "MYSQL_USER": "shop", "MYSQL_PASSWORD": "a\\b",
    }  # fmt: skip

    def make(**scripts: bytes) -> "Container":
        for name, text in scripts.items():
            (folder / name.replace("_", ".")).write_bytes(text)
        container = engine.containers.create(
            images.STAND_INS[Role.MARIADB], ["--innodb-buffer-pool-size=24M"],
            network_mode="none", environment=environment,
            volumes={str(folder): {"bind": "/docker-entrypoint-initdb.d", "mode": "ro"}},
        )  # fmt: skip
        made.append(container)
        return container

    yield make
    for container in made:
        container.remove(force=True, v=True)


def _is_healthy(container: "Container") -> bool:
    code, _ = container.exec_run(["healthcheck.sh", "--connect", "--innodb_initialized"])
    return bool(code == 0)


def _asked(container: "Container", user: str, password: str, text: str) -> str:
    program = (
        "import sys; sys.path.insert(0, '/usr/local/lib/aftershock'); import pymysql\n"
        "user, password, text = sys.argv[1:]\n"
        "try:\n"
        "    with pymysql.connect(host='127.0.0.1', user=user, password=password) as session:\n"
        "        cursor = session.cursor(); cursor.execute(text); print(cursor.fetchall())\n"
        "except pymysql.Error as error: print(error.args[0])\n"
    )
    _, said = container.exec_run(["python3", "-c", program, user, password, text])
    return str(said.decode()).strip()


def test_mariadb_does_what_the_image_does_and_keeps_what_it_committed(
    mariadb: Callable[..., "Container"],
) -> None:
    """As it does natively: 1045 and 1142 are refusals. Healthy only when all scripts have run; told to
    stop it does so cleanly, killed it comes back with what it had."""
    server = mariadb(
        a_sql="CREATE TABLE t (x varchar(9));\nINSERT INTO t VALUES ('ö;');".encode(),
        b_sql_gz=gzip.compress(b"DO SLEEP(1); INSERT INTO t VALUES ('late')"),
    )
    rows = "SELECT group_concat(x) FROM till_1.t"
    server.start()
    asyncio.run(eventually(lambda: _is_healthy(server), within_s=60))
    made = _asked(server, "shop", "a\\b", rows)
    pool = _asked(server, "root", "it's", "SELECT @@innodb_buffer_pool_size >> 20")
    refused = [
        _asked(server, "shop", "ab", rows), _asked(server, "root", "", rows),
        _asked(server, "shop", "a\\b", "CREATE TABLE mysql.t (x int)"),
    ]  # fmt: skip
    server.kill()
    server.start()
    asyncio.run(eventually(lambda: _is_healthy(server), within_s=60))
    again = _asked(server, "shop", "a\\b", rows)
    server.stop(timeout=20)

    assert made == again == "(('ö;,late',),)"
    assert (pool, refused) == ("((24,),)", ["1045", "1045", "1142"])
    assert server.wait()["StatusCode"] == 0


def test_mariadb_names_a_script_with_a_mistake_and_does_not_come_up_without_it(
    mariadb: Callable[..., "Container"],
) -> None:
    """Started again, it does not take half of the data for all."""
    server = mariadb(a_sql=b"CREATE TABEL t (x int)")
    for says in ("/docker-entrypoint-initdb.d/a.sql: You have an error", "not made to its end"):
        server.start()
        assert server.wait(timeout=60)["StatusCode"] == 1
        assert says in server.logs(tail=2).decode()


def test_connect_names_what_is_missing(engine: "DockerClient") -> None:
    """Before any Java is started."""
    with pytest.raises(ContainerError, match=r"BOOTSTRAP_SERVERS, GROUP_ID.* must be set"):
        engine.containers.run(
            images.STAND_INS[Role.KAFKA_CONNECT], remove=True, network_mode="none", stderr=True
        )
