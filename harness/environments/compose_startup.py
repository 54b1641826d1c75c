"""When a compose service is started and when it counts as ready: `depends_on`, `healthcheck`."""

from collections.abc import Mapping

from harness.environments import compose_values as values
from harness.environments.compose_attributes import only
from harness.environments.compose_yaml import Item
from harness.model.system import Condition, Dependency, Healthcheck


def dependencies(item: Item) -> tuple[Dependency, ...]:
    """`depends_on`, as a list of names or a mapping with conditions."""
    if isinstance(item.value, tuple):
        names = [values.text(child) for child in item.value]
        for name, child in zip(names, item.value, strict=True):
            if names.count(name) > 1:
                raise child.problem(f"names {name[:60]} twice", "keep one")
        return tuple(Dependency(node=name, condition=Condition.STARTED) for name in names)
    return tuple(_dependency(name, child) for name, child in values.mapping(item).items())


def _dependency(name: str, item: Item) -> Dependency:
    fields = only(item, frozenset({"condition", "required", "restart"}))
    required = values.boolean(fields["required"]) if "required" in fields else True
    return Dependency(node=name, condition=_condition(item, fields), required=required)


def _condition(item: Item, fields: Mapping[str, Item]) -> Condition:
    if "restart" in fields and values.boolean(fields["restart"]):
        raise fields["restart"].problem("is true", "remove it: each node restarts on its own")
    if "condition" not in fields:
        raise item.problem("has no condition", "add condition: service_started")
    said = values.text(fields["condition"])
    for condition in Condition:
        if condition.value == said:
            return condition
    known = ", ".join(c.value for c in Condition)
    raise fields["condition"].problem(f"is {said[:60]!r}", f"write one of: {known}")


def healthcheck(item: Item) -> Healthcheck | None:
    """The health check, None where it is disabled."""
    fields = only(
        item,
        frozenset(
            {
                "disable",
                "interval",
                "retries",
                "start_interval",
                "start_period",
                "test",
                "timeout",
            }
        ),
    )
    if "disable" in fields and values.boolean(fields["disable"]):
        return None
    if "test" not in fields:
        raise item.problem("has no test", 'add test: ["CMD", …]')
    test = _health_test(fields["test"])

    def duration(name: str, default: float, *, positive: bool = True) -> float:
        return values.seconds(fields[name], positive=positive) if name in fields else default

    duration("start_interval", 5.0)
    retries = fields.get("retries")
    checked = Healthcheck(
        test=test,
        interval_s=duration("interval", 30.0),
        timeout_s=duration("timeout", 30.0),
        retries=3 if retries is None else values.integer(retries, least=1, most=100_000),
        start_period_s=duration("start_period", 0.0, positive=False),
    )
    return checked if test else None


def _health_test(item: Item) -> tuple[str, ...]:
    """The argv of a health test; empty for NONE."""
    if isinstance(item.value, str):
        return ("/bin/sh", "-c", values.text(item))
    words = values.texts(item)
    match words:
        case ("NONE",):
            return ()
        case ("CMD", first, *_) if first:
            return words[1:]
        case ("CMD-SHELL", script) if script:
            return ("/bin/sh", "-c", script)
        case _:
            raise item.problem(
                "is no health test", 'write ["CMD", program, …], ["CMD-SHELL", text] or ["NONE"]'
            )
