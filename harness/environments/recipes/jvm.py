"""How a Java program is run: flags for small and quick, and a cache of loaded classes.

JDK 24 and later can keep a program's loaded and linked classes in a file (JEP 483, JEP 514), which
more than halves the start of Kafka and Connect. The file is recorded once, on an orderly exit.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from harness.toolchain import Toolchain

_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    # Kafka's and Debezium's libraries use both; the warnings would fill the logs.
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
_QUIET = ("-Xlog:aot*=off", "-Xlog:codecache*=off")


def aot_cache(toolchain: Toolchain, role: str, classpath: Sequence[Path]) -> Path:
    """Where the class cache of this role and class path is kept."""
    mark = hashlib.sha256("\0".join(map(str, (toolchain.java, *_FLAGS, *classpath))).encode())
    return toolchain.cache / "aot" / f"{role}-{mark.hexdigest()[:16]}.aot"


def java(
    toolchain: Toolchain,
    *,
    role: str,
    heap_mib: int,
    classpath: Sequence[Path],
    main: str,
    arguments: Sequence[str],
    log_config: Path,
    record: bool = False,
) -> tuple[str, ...]:
    """The argv. `record` writes the class cache when the program ends in good order."""
    cache = aot_cache(toolchain, role, classpath)
    aot: tuple[str, ...] = ()
    if record:
        cache.parent.mkdir(parents=True, exist_ok=True)
        aot = (f"-XX:AOTCacheOutput={cache.with_suffix('.part')}",)
    elif cache.exists():
        aot = (f"-XX:AOTCache={cache}",)
    return (
        str(toolchain.java),
        f"-Xmx{heap_mib}m",
        *_FLAGS,
        *_QUIET,
        *aot,
        f"-Dlog4j2.configurationFile={log_config}",
        "-cp",
        ":".join(map(str, classpath)),
        main,
        *arguments,
    )
