"""Packages of services, fetched beside their build by this machine's pip and npm."""

import json
from pathlib import Path

import pytest

from harness.environments.docker import images, packages
from harness.errors import EnvironmentFailed


def context(root: Path, name: str, text: str) -> Path:
    """A service's folder, with that file."""
    root.mkdir()
    (root / "Dockerfile").write_text("")
    (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("base", "name"), [(images.PYTHON, "requirements.txt"), (images.NODE, "package-lock.json")]
)
def test_only_upon_a_base_of_ours_are_they_fetched(base: str, name: str, tmp_path: Path) -> None:
    """If the service has any."""
    with_some = context(tmp_path / "a", name, "")
    without = context(tmp_path / "b", "README", "")
    official = next(asked for asked, ours in images.BASES.items() if ours == base)

    assert packages.are_fetched(images.service_image(with_some, base))
    assert not packages.are_fetched(images.service_image(without, base))
    assert not packages.are_fetched(images.service_image(with_some, official))


def test_npm_works_in_a_copy_by_the_lock_file(tmp_path: Path) -> None:
    """What is left by hand is not taken, and what is for development is not fetched."""
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "package.json").write_text('{"name": "local", "version": "1.0.0"}')
    service = context(
        tmp_path / "service",
        "package.json",
        json.dumps(
            {
                "name": "s", "version": "1.0.0", "dependencies": {"local": "file:inner"},
                "devDependencies": {"other": "file:inner2"},
            }
        ),
    )  # fmt: skip
    for inner, name in (("inner", "local"), ("inner2", "other")):
        (service / inner).mkdir()
        (service / inner / "package.json").write_text(f'{{"name": "{name}", "version": "1.0.0"}}')
    (service / "package-lock.json").write_text(
        json.dumps(
            {
                "name": "s", "version": "1.0.0", "lockfileVersion": 3,
                "packages": {
                    "": {
                        "name": "s", "version": "1.0.0", "dependencies": {"local": "file:inner"},
                        "devDependencies": {"other": "file:inner2"},
                    },
                    "inner": {"name": "local", "version": "1.0.0"},
                    "inner2": {"name": "other", "version": "1.0.0", "dev": True},
                    "node_modules/local": {"resolved": "inner", "link": True},
                    "node_modules/other": {"resolved": "inner2", "link": True, "dev": True},
                },
            }
        )
    )  # fmt: skip
    (service / "node_modules").mkdir()
    (service / "node_modules" / "stale").write_text("")
    place = tmp_path / "place"
    place.mkdir()
    given = packages.fetch(images.service_image(service, images.NODE), place)

    assert set(given) == {"fetched"}
    names = {name for name, _ in images.files(given)}
    assert {name for name in names if "/." not in name} == {"fetched/node_modules/local"}
    assert [path.name for path in (service / "node_modules").iterdir()] == ["stale"]


def test_what_npm_refuses_is_told_with_the_folder(tmp_path: Path) -> None:
    """By its own word."""
    service = context(tmp_path / "service", "package-lock.json", "{}")
    with pytest.raises(EnvironmentFailed, match=rf"npm ci --omit=dev .* in {service} ended with"):
        packages.fetch(images.service_image(service, images.NODE), tmp_path)


def test_what_pip_refuses_is_told_with_the_file(tmp_path: Path) -> None:
    """Nothing is asked of an index for it."""
    service = context(tmp_path / "service", "requirements.txt", "not a requirement\n")
    with pytest.raises(EnvironmentFailed, match=rf"pip download -r {service}/req.* ended with"):
        packages.fetch(images.service_image(service, images.PYTHON), tmp_path)
