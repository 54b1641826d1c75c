"""How a Java program is run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.environments.recipes import jvm
from harness.environments.recipes.base import Site
from harness.model.system import Node, Role
from harness.toolchain import Toolchain


@pytest.fixture
def tools(site: Callable[[Node], Site]) -> Toolchain:
    """A toolchain of names."""
    return site(Node(name="n", role=Role.KAFKA)).toolchain


def command(tools: Toolchain, *, record: bool = False) -> tuple[str, ...]:
    """A program's command line."""
    return jvm.java(
        tools,
        role="connect",
        heap_mib=64,
        classpath=tools.connect_classpath,
        main="org.Main",
        arguments=("a", "b"),
        log_config=tools.log4j_config,
        record=record,
    )


def test_program_and_arguments_come_last(tools: Toolchain) -> None:
    """After everything that is the virtual machine's."""
    argv = command(tools)
    assert argv[:2] == (str(tools.java), "-Xmx64m")
    classpath = ":".join(map(str, tools.connect_classpath))
    assert argv[-5:] == ("-cp", classpath, "org.Main", "a", "b")


def test_the_cache_is_used_where_it_is(tools: Toolchain) -> None:
    """Without one the program starts all the same."""
    cache = jvm.aot_cache(tools, "connect", tools.connect_classpath)
    assert not any("AOTCache" in part for part in command(tools))

    cache.parent.mkdir(parents=True)
    cache.touch()
    assert f"-XX:AOTCache={cache}" in command(tools)


def test_a_recording_goes_to_a_name_that_nobody_uses_yet(tools: Toolchain) -> None:
    """A recording that is broken off leaves no cache; its folder is made."""
    argv = command(tools, record=True)
    cache = jvm.aot_cache(tools, "connect", tools.connect_classpath)
    assert f"-XX:AOTCacheOutput={cache.with_suffix('.part')}" in argv
    assert not any(part.startswith("-XX:AOTCache=") for part in argv)
    assert cache.parent.is_dir()


def test_another_class_path_has_another_cache(tools: Toolchain) -> None:
    """A cache is only valid for the class path with which it was made."""
    one = jvm.aot_cache(tools, "connect", tools.connect_classpath)
    assert one != jvm.aot_cache(tools, "connect", (*tools.connect_classpath, Path("x.jar")))
    assert one != jvm.aot_cache(tools, "kafka", tools.connect_classpath)
    assert one == jvm.aot_cache(tools, "connect", tools.connect_classpath)
