"""`aftershock clean`: undo what a killed harness left.

Processes, namespaces, interfaces and mounts need no undoing: the kernel removed them with the
harness. What is left is on disk, under the cache, and the ledger tells what was injected.
"""

import json
from pathlib import Path

from harness.cli import place as places


def clean(cache: Path, *, as_json: bool) -> int:
    """Remove every dead run's place and say what it was."""
    found = places.leftovers(cache)
    for leftover in found:
        leftover.place.remove()
    if as_json:
        told = [
            {
                "place": str(left.place.path),
                "keeper": left.keeper,
                "bytes": left.bytes,
                "unhealed": [{"fault": e.fault, "undo": dict(e.undo)} for e in left.unhealed],
            }
            for left in found
        ]
        print(json.dumps(told))
        return 0
    for left in found:
        print(f"removed {left.place.path} ({left.bytes / 1e6:.1f} MB) of pid {left.keeper}")
        for entry in left.unhealed:
            print(
                f"  {entry.fault} was not healed; its namespaces are gone, and with them its effect"
            )
    if not found:
        print("nothing to clean")
    return 0
