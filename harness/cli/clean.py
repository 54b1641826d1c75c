"""`aftershock clean`: undo what a killed harness left.

Processes, namespaces, interfaces and mounts need no undoing: the kernel removed them with the
harness. What is left is on disk, under the cache, and the ledger tells what was injected. Containers
outlive a harness; they are known by their labels, and go with everything that was done to them.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from harness.cli import place as places
from harness.environments.docker import usable


def clean(cache: Path, *, as_json: bool) -> int:
    """Remove every dead run's place and containers, and say what it was."""
    found = places.leftovers(cache)
    objects = _containers(cache / "runs")
    for leftover in found:
        leftover.place.remove()
    if as_json:
        told = [
            {
                "place": str(left.place.path),
                "keeper": left.keeper,
                "bytes": left.bytes,
                "unhealed": [{"fault": e.fault, "undo": dict(e.undo)} for e in left.unhealed],
                "containers": objects.get(left.place.path.name, 0),
            }
            for left in found
        ]
        print(json.dumps(told))
        return 0
    for left in found:
        print(f"removed {left.place.path} ({left.bytes / 1e6:.1f} MB) of pid {left.keeper}")
        for entry in left.unhealed:
            print(
                f"  {entry.fault} was not healed; its namespaces or containers are gone, and with "
                "them its effect"
            )
    for run, count in objects.items():
        print(f"removed {count} containers and networks of run {run}")
    if not found and not objects:
        print("nothing to clean")
    return 0


def _containers(runs: Path) -> Mapping[str, int]:
    """Dead run → how many of its containers and networks were removed; nothing where no engine
    answers."""
    if not usable.engine(os.environ).ok:
        return {}
    from harness.environments.docker import leftovers, sdk  # noqa: PLC0415 - slow to import

    return leftovers.remove_dead(sdk.connect(compose=False), runs)
