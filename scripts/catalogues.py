"""Pages of the reference that list what there is: verdicts, faults, invariants, hazards, patterns.

What a page needs in words that are not in the code stands here in a table that must cover the
code's enum, else the page is not written.
"""

from collections.abc import Mapping
from pathlib import Path

from tables import sentence, table

from faults import CATALOGUE, POINTS_MECHANISM, POINTS_PROOF, POINTS_SAY
from faults import toxic as toxics
from faults.outage import DURATION_S, FORMS, MECHANISM, PROOF
from faults.outage import SAYS as SAYS_OUTAGE
from faults.point import DURATIONS_S, FORM, SAYS, form_of
from harness.checkers import families
from harness.checkers.demanded import invariants_of
from harness.checkers.hazards import read_rules
from harness.checkers.invariant import FAMILIES, Invariant, parse
from harness.cli import suites
from harness.model.address import FORM as ADDRESS_FORM
from harness.model.effect import EffectKind
from harness.model.scenario import ANY_FAULT
from harness.model.verdict import ExitCode, Verdict

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
        lines += ["", f"## {kind.name}", "", sentence(kind.says), ""]
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
        sentence(POINTS_SAY),
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
        "a key and an occurrence the next effect from a seeded moment on is meant, of a key that was",
        "not asked for before.",
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


def patterns(index: Path) -> list[str]:
    """The shop's patterns, with their pages as far as there are any beside this one."""
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
                    _linked(index.with_name(f"{pattern.name}.md")),
                    sentence(pattern.promises),
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


def _linked(page: Path) -> str:
    return f"[`{page.stem}`]({page.name})" if page.exists() else f"`{page.stem}`"


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
