"""`aftershock doctor`: what this machine can and cannot do."""

import json

from harness.environments import doctor as physician
from harness.model.verdict import ExitCode


def doctor(*, as_json: bool) -> int:
    """Print the findings. Exit code 254 where no backend can be used."""
    findings = physician.diagnose()
    document = physician.report(findings)
    if as_json:
        print(json.dumps(document))
    else:
        for finding in findings:
            print(f"{'✓' if finding.ok else '✗'} {finding.name}: {finding.says}")
            if finding.mend and not finding.ok:
                print(f"    mend it: {finding.mend}")
        for name, backend in document["backends"].items():
            word = "usable" if backend["usable"] else "not usable"
            print(f"backend {name}: {word}: {backend['why']}")
    usable = any(backend["usable"] for backend in document["backends"].values())
    return ExitCode.AS_EXPECTED.value if usable else ExitCode.USAGE.value
