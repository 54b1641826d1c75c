"""Where all chance comes from: independent streams derived from one seed.

Each use of chance takes a stream of its own by name, so adding a draw in one part
never changes what another part draws under the same seed.
"""

import hashlib
import random


def stream(seed: int, *names: str) -> random.Random:
    """A generator that depends on `seed` and `names` alone."""
    digest = hashlib.sha256("\x1f".join((str(seed), *names)).encode()).digest()
    return random.Random(int.from_bytes(digest[:16], "big"))
