"""What the tests of compose files share."""

from pathlib import Path

import pytest

from tests.harness.environments.compose_files import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a compose file beside what GOOD refers to."""
    (tmp_path / "order").mkdir()
    (tmp_path / "order.env").write_text("# of the service\nLEVEL=debug\nPORT=1\n")

    def write(text: str) -> Path:
        path = tmp_path / "shop.yaml"
        path.write_text(text)
        return path

    return write
