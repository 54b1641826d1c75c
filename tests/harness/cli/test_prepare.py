"""The toolchain is there before a run enters its namespaces."""

from pathlib import Path

import pytest

from harness.cli.prepare import fetch, prepared_toolchain
from harness.errors import EnvironmentFailed


@pytest.mark.stack
def test_a_filled_cache_is_used_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    """`fetch --offline` reads every file again."""
    assert fetch(offline=True) == 0
    assert "the toolchain is in " in capsys.readouterr().out


def test_offline_with_an_empty_cache_says_what_is_missing(tmp_path: Path) -> None:
    """And the command that helps."""
    with pytest.raises(EnvironmentFailed, match=r"offline.*aftershock fetch"):
        prepared_toolchain(offline=True, cache=tmp_path)
