"""Entries of `volumes`."""

import pytest

from harness.environments.compose_volumes import Volume, volume
from harness.environments.compose_yaml import Problem, parse


def expected(source: str, target: str, *, read_only: bool = False, bind: bool = True) -> Volume:
    """A volume in short."""
    return Volume(source=source, target=target, read_only=read_only, bind=bind)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("./a:/b", expected("./a", "/b")),
        ("/a:/b/:ro", expected("/a", "/b", read_only=True)),
        ("~/a:/b:rw,z", expected("~/a", "/b")),
        ("data:/b", expected("data", "/b", bind=False)),
        ("/b", expected("", "/b", bind=False)),
        (
            "{type: bind, source: a, target: /b, read_only: true}",
            expected("a", "/b", read_only=True),
        ),
        ("{type: volume, source: data, target: /b}", expected("data", "/b", bind=False)),
        ("{type: volume, target: /b, volume: {nocopy: true}}", expected("", "/b", bind=False)),
        (
            "{type: bind, source: ., target: /b, bind: {create_host_path: false}}",
            expected(".", "/b"),
        ),
    ],
)
def test_a_volume_is_read(text: str, found: Volume) -> None:
    """Short and long form, paths and names."""
    assert found == volume(parse(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a:/b:ro:x", "write SOURCE:TARGET"),
        (":/b", "write SOURCE:TARGET"),
        ("./a:/b:cached", "has the option 'cached'"),
        ("./a:b", "write an absolute path below /"),
        ("./a:/", "write an absolute path below /"),
        ("./a:/x/..", "write an absolute path below /"),
        ("{source: a, target: /b}", "lacks its type or target"),
        ("{type: tmpfs, target: /b}", "is 'tmpfs' (write bind or volume)"),
        ("{type: bind, target: /b}", "has no source"),
        ("{type: bind, source: a, target: /b, bind: {propagation: shared}}", "propagation is not"),
        ("{type: bind, source: a, target: /b, consistency: cached}", "consistency is not"),
    ],
)
def test_another_kind_of_volume_is_refused(text: str, says: str) -> None:
    """By what it asks for."""
    with pytest.raises(Problem) as caught:
        volume(parse(text))

    assert says in str(caught.value)
