"""Parses the command line and turns what happens into exit codes."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import AftershockError, DeclarationError, EnvironmentFailed
from harness.model.verdict import ExitCode

app = typer.Typer(
    name="aftershock",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Runs your event-driven system on the real stack, breaks it at the worst moments, and says "
        "what was lost.\n\n`aftershock run` runs the sample shop in every pattern; "
        "`aftershock doctor` tells what this machine can do."
    ),
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Backend = Annotated[
    str, typer.Option(help="auto (namespaces where they can be used), namespaces or docker.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Use the cache only, no network.")]


@app.callback()
def _root() -> None:
    """Verbs only."""


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="A suite's name or path.")] = "shop",
    pattern: Annotated[
        list[str] | None, typer.Option("--pattern", "-p", help="Only this pattern (repeatable).")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", "-f", help="Only this fault, or `none` (repeatable)."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Repeats a run's choices; random if left out.")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="How long the workload lasts [default: as the suite has it]."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="PER_SECOND",
            help="How many of its flows begin a second [default: as the suite has it].",
        ),
    ] = None,
    backend: Backend = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Where runs are kept [default: results].")
    ] = None,
    json: Json = False,
    offline: Offline = False,
    sabotage_injectors: Annotated[
        bool,
        typer.Option(
            "--sabotage-injectors",
            help="Every injector does nothing: each scenario with a fault must be INCONCLUSIVE.",
        ),
    ] = False,
    no_taps: Annotated[
        bool,
        typer.Option(
            "--no-taps", help="Links go direct: nothing is traced, and no point can be aimed at."
        ),
    ] = False,
    trace_payloads: Annotated[
        int,
        typer.Option(
            "--trace-payloads",
            metavar="BYTES",
            min=0,
            help="Keep so much of each message in the trace; they may hold secrets.",
        ),
    ] = 0,
) -> int:
    """Start the stack, run the workload under faults, check, and report.

    Without options: every pattern of the suite under the faults that matter most. Exit code 0:
    all as expected; 1: a violation, or a control that was not caught; 2: undecided.
    """
    from harness.cli import run as running
    from harness.model.load import Load

    return running.run(
        running.Request(
            suite=suite,
            patterns=tuple(pattern or ()),
            faults=tuple(fault or ()),
            seed=seed,
            backend=backend,
            out=out,
            json=json,
            offline=offline,
            sabotage=sabotage_injectors,
            taps=not no_taps,
            payload_bytes=trace_payloads,
            load=Load(duration_s=duration, rate_per_s=rate),
        )
    )


@app.command()
def check(
    run_dir: Annotated[Path, typer.Argument(help="A run directory, `results/shop/latest` say.")],
    json: Json = False,
) -> int:
    """Judge a stored run again, with nothing running. Same output and exit codes as `run`."""
    from harness.cli import check as checking

    return checking.check(run_dir, as_json=json)


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="A run directory.")],
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="Draw what passed on the wire for this business key, too."),
    ] = None,
    json: Json = False,
) -> int:
    """Write a stored run's report.html, junit.xml and summary.md again, and print where."""
    from harness.cli import check as checking

    return checking.report(run_dir, as_json=json, keys=key or ())


@app.command()
def up(
    suite: Annotated[str, typer.Argument(help="A suite's name or path.")] = "shop",
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern", "-p", help="One with connectors, if there is any, when left out."
        ),
    ] = None,
    backend: Backend = "auto",
    json: Json = False,
    offline: Offline = False,
) -> int:
    """Start the stack alone, for work by hand; print addresses and how to connect."""
    from harness.cli import up as stack

    return stack.up(suite, pattern, backend=backend, offline=offline, as_json=json)


@app.command()
def status(json: Json = False) -> int:
    """Print the stacks that are up."""
    from harness.cli import up as stack

    return stack.status(as_json=json)


@app.command()
def down() -> int:
    """End the stacks that are up."""
    from harness.cli import up as stack

    return stack.down()


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="suites, patterns, faults, invariants or points.")],
    suite: Annotated[str, typer.Argument(help="Of which suite.")] = "shop",
    pattern: Annotated[
        str | None, typer.Option("--pattern", "-p", help="Of which pattern: points only.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the run whose points they are [default: 1].")
    ] = None,
    backend: Backend = "auto",
    json: Json = False,
    offline: Offline = False,
) -> int:
    """Print what there is to choose from.

    Points are the effects that a run without a fault has on the wire, each by the address at which
    `aftershock run --fault` can strike; that run takes seconds, and the exit code is its own.
    """
    from harness.cli import listing

    if kind == listing.POINTS:
        from harness.cli import points

        return points.show(
            suite, pattern, seed=seed, as_json=json, offline=offline, backend=backend
        )
    if pattern is not None or seed is not None or backend != "auto":
        raise DeclarationError(f"list {kind}: --pattern, --seed and --backend are for points only")
    return listing.show(kind, suite, as_json=json)


@app.command()
def fetch(offline: Offline = False) -> int:
    """Fill the cache with the pinned servers, verifying every file in full."""
    from harness.cli import prepare

    return prepare.fetch(offline=offline)


images_app = typer.Typer(no_args_is_help=True, help="Images for running in containers.")
app.add_typer(images_app, name="images")


@images_app.command("build")
def images_build(
    suite: Annotated[str, typer.Argument(help="A suite's name or path.")] = "shop",
    pattern: Annotated[
        list[str] | None,
        typer.Option("--pattern", "-p", help="Only what this pattern needs (repeatable)."),
    ] = None,
    offline: Offline = False,
) -> int:
    """Build what `run --backend docker` needs and this machine has not: stand-ins for the compose
    file's images from the pinned servers, and the services' own. What is there is kept."""
    from harness.cli import images

    return images.build(suite, tuple(pattern or ()), offline=offline)


@app.command()
def doctor(json: Json = False) -> int:
    """Say what this machine can and cannot do, and the one command that mends it."""
    from harness.cli import diagnosis

    return diagnosis.doctor(as_json=json)


@app.command()
def clean(json: Json = False) -> int:
    """Undo what a killed run left."""
    from harness.cli import clean as cleaning
    from harness.toolchain.cache import default_cache

    return cleaning.clean(default_cache(), as_json=json)


def main() -> None:
    """The console script: one clear message for a user's mistake, never a traceback."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="aftershock", standalone_mode=False)
    except DeclarationError as error:
        return _say(error, ExitCode.USAGE)
    except EnvironmentFailed as error:
        return _say(error, ExitCode.UNDECIDED)
    except AftershockError as error:
        return _say(error, ExitCode.BUG)
    except (typer.Abort, KeyboardInterrupt):
        print("aftershock: aborted", file=sys.stderr)
        return ExitCode.UNDECIDED.value
    except Exception as error:  # noqa: BLE001 (the last frame: a bug of ours is reported, not raised)
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _say(error: AftershockError, code: ExitCode) -> int:
    print(f"aftershock: {error}", file=sys.stderr)
    return code.value


def _unexpected(error: Exception) -> int:
    """Click's own usage errors, else a bug of ours with all we know of it."""
    show = getattr(error, "show", None)
    if callable(show):
        show()
        return ExitCode.USAGE.value
    traceback.print_exception(error)
    print("aftershock: this is a bug of aftershock; please report the lines above", file=sys.stderr)
    return ExitCode.BUG.value
