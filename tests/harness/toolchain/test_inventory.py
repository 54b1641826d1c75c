"""Status: what of the toolchain is there, without changing anything."""

from pathlib import Path

from harness.toolchain.cache import Layout
from harness.toolchain.fill import fill
from harness.toolchain.inventory import ComponentState, component_status, missing_bytes, status
from harness.toolchain.lock import shipped_lock
from harness.toolchain.machine import COMMON, Component, is_built, java_executable


def test_an_empty_cache_misses_everything_and_stays_as_it_is(tmp_path: Path) -> None:
    """`aftershock doctor` on a fresh machine."""
    found = status(cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert not found.ready
    assert {c.state for c in found.components} == {ComponentState.MISSING}
    assert [(c.component.value, c.version) for c in found.components] == [
        ("kafka", "4.3.1"),
        ("connect", "4.3.1"),
        ("debezium", "3.7.0.Final"),
        ("postgres", "18.6.0"),
        *([("mariadb", "11.4.5")] if is_built(Component.MARIADB) else []),
    ]
    assert found.java == java_executable()


def test_a_jar_that_two_components_share_is_missing_once(tmp_path: Path) -> None:
    """The figure is what will be downloaded, not the sum of the rows."""
    found = status(cache_dir=tmp_path)
    common = [c for c in found.components if c.component in COMMON]
    assert found.missing_bytes < sum(c.total_bytes for c in common)
    unique = {
        a.coordinate: a.size
        for name in ("kafka", "connect", "debezium")
        for a in shipped_lock().artifacts(name)
    }
    postgres = next(c for c in found.components if c.component is Component.POSTGRES)
    assert found.missing_bytes == sum(unique.values()) + postgres.total_bytes


def test_a_fetched_component_is_ready_and_its_neighbour_has_a_part(layout: Layout) -> None:
    """Kafka brings the jar that it shares with Connect."""
    fill(layout, [Component.KAFKA], report=print)
    kafka = component_status(layout, Component.KAFKA)
    assert (kafka.state, kafka.present_files, kafka.present_bytes) == (
        ComponentState.READY,
        2,
        kafka.total_bytes,
    )
    connect = component_status(layout, Component.CONNECT)
    assert (connect.state, connect.present_files, connect.total_files) == (
        ComponentState.PARTIAL,
        1,
        2,
    )


def test_nothing_is_missing_once_all_is_fetched(layout: Layout) -> None:
    """And all components say so."""
    fill(layout, list(COMMON), report=print)
    assert missing_bytes(layout) == 0
    assert {component_status(layout, c).state for c in COMMON} == {ComponentState.READY}
