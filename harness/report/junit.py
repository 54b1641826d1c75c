"""junit.xml: one suite a scenario, one case an invariant, so that CI shows what was promised.

A control that was caught passes. What is undecided is an error, never a pass: where the scenario
as a whole is undecided (an unproved fault, say), the invariants that held are skipped.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

from harness.model.verdict import Finding
from harness.report.load import StoredRun, StoredScenario, load, reproduce
from harness.report.words import clean, cut

_LONGEST_MESSAGE = 20_000


def write_junit(run_dir: Path) -> Path:
    """Write `junit.xml` into the run directory and return its path."""
    path = run_dir / "junit.xml"
    tree = ET.ElementTree(junit(load(run_dir)))
    ET.indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)
    return path


def junit(run: StoredRun) -> ET.Element:
    """The document: `testsuites`, its counts included."""
    root = ET.Element("testsuites", name=clean(f"aftershock {run.suite}"))
    for stored in run.scenarios:
        root.append(_suite(run, stored))
    ran = {stored.scenario.slug for stored in run.scenarios}
    for slug in run.planned:
        if slug not in ran:
            root.append(_not_run(run, slug))
    _count(root)
    root.set("time", f"{sum(s.record.duration_s for s in run.scenarios):.3f}")
    return root


def _suite(run: StoredRun, stored: StoredScenario) -> ET.Element:
    scenario = stored.scenario
    suite = ET.Element("testsuite", name=clean(f"{scenario.pattern} / {scenario.fault}"))
    suite.set("timestamp", clean(stored.record.started_at).split("+")[0].rstrip("Z"))
    properties = ET.SubElement(suite, "properties")
    for name, told in (
        ("seed", str(scenario.seed)),
        ("reproduce", reproduce(run, scenario)),
        ("verdict", stored.verdict.value),
        ("control", scenario.control or ""),
    ):
        ET.SubElement(properties, "property", name=name, value=clean(told))
    for finding in stored.findings:
        suite.append(_case(stored, finding))
    if not _tells_all(suite, stored):
        suite.append(_verdict_case(stored))
    _count(suite)
    suite.set("time", f"{stored.record.duration_s:.3f}")
    return suite


def _case(stored: StoredScenario, finding: Finding) -> ET.Element:
    case = _empty_case(stored.scenario.suite, stored.scenario.slug, finding.invariant)
    violation = finding.violation
    if finding.undecided is not None:
        _outcome(case, "error", "undecided", finding.undecided)
    elif violation is not None and not _wanted(stored, finding):
        keys = ", ".join(violation.keys)
        told = f"{violation.summary}\nguarantee: {finding.guarantee}\nkeys: {keys}"
        _outcome(case, "failure", "violation", violation.summary, told)
    elif violation is None and finding.invariant == stored.scenario.control:
        _outcome(case, "failure", "control", "the control was not caught: nothing is violated")
    elif not stored.verdict.decided:
        _outcome(case, "skipped", None, f"the scenario is {stored.verdict.value}: {stored.reason}")
    elif violation is not None:
        out = ET.SubElement(case, "system-out")
        out.text = clean(f"control: violated, as it must be: {violation.summary}")
    return case


def _wanted(stored: StoredScenario, finding: Finding) -> bool:
    """A scenario that came out as a control must: all that it breaks is its breakage."""
    return stored.is_control and (
        stored.as_expected or finding.invariant == stored.scenario.control
    )


def _tells_all(suite: ET.Element, stored: StoredScenario) -> bool:
    """Whether the cases alone already show what the scenario came to."""
    failed = suite.find("testcase/failure") is not None
    errored = suite.find("testcase/error") is not None
    if not stored.verdict.decided:
        return errored
    return failed or (stored.as_expected and bool(stored.findings))


def _verdict_case(stored: StoredScenario) -> ET.Element:
    case = _empty_case(stored.scenario.suite, stored.scenario.slug, "verdict")
    message = f"{stored.verdict.value}: {stored.reason}"
    if not stored.verdict.decided:
        _outcome(case, "error", stored.verdict.value, message)
    elif not stored.as_expected:
        _outcome(case, "failure", stored.verdict.value, message)
    return case


def _not_run(run: StoredRun, slug: str) -> ET.Element:
    suite = ET.Element("testsuite", name=clean(slug.replace("--", " / ", 1)))
    case = _empty_case(run.suite, slug, "verdict")
    _outcome(case, "error", "not-run", "planned, but the run ended before it")
    suite.append(case)
    _count(suite)
    suite.set("time", "0.000")
    return suite


def _empty_case(suite: str, slug: str, name: str) -> ET.Element:
    classname = f"{suite}.{slug.replace('--', '.', 1)}"
    return ET.Element("testcase", classname=clean(classname), name=clean(name), time="0.000")


def _outcome(
    case: ET.Element, tag: str, kind: str | None, message: str, text: str | None = None
) -> None:
    element = ET.SubElement(case, tag, message=cut(message.replace("\n", " "), _LONGEST_MESSAGE))
    if kind is not None:
        element.set("type", kind)
    if text is not None:
        element.text = cut(text, _LONGEST_MESSAGE)


def _count(element: ET.Element) -> None:
    for name, path in (
        ("tests", ".//testcase"),
        ("failures", ".//failure"),
        ("errors", ".//error"),
        ("skipped", ".//skipped"),
    ):
        element.set(name, str(len(element.findall(path))))
