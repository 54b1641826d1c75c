"""The shop with a few of its nodes: for tests that need a system with services, whatever they do.

Every node costs seconds on a busy machine, and a run of the whole shop has thirteen of them.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import yaml

_ROOT = Path(__file__).resolve().parents[1]


def small_shop(place: Path, nodes: Iterable[str]) -> str:
    """A copy of the suite and its compose file at `place` in which there are only these nodes, in
    this order, and the invariants that concern no other. Returns the suite's path."""
    for name in ("compose", "suites"):
        shutil.copytree(_ROOT / name, place / name)
    file = place / "compose" / "shop.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["services"] = {name: document["services"][name] for name in nodes}
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    suite = place / "suites" / "shop"
    here = "|".join(re.escape(name) for name in document["services"])
    # The table `effects` is that of all consumers.
    elsewhere = re.compile(rf"^-- needs: (effects$|db\.(?!({here})\.))", re.MULTILINE)
    for path in (suite / "invariants").rglob("*.sql"):
        if elsewhere.search(path.read_text(encoding="utf-8")):
            path.unlink()
    return str(suite)
