"""What becomes of each attribute of a compose service: read, accepted without effect, or refused.

Three explicit tables, so that nothing is ever ignored silently: an attribute that is in none of
them is refused as unknown. `x-…` attributes are Compose's own way of saying "not for you" and are
passed over. The attributes are those of the Compose specification
(https://github.com/compose-spec/compose-spec/blob/main/05-services.md).
"""

import difflib
from collections.abc import Callable, Iterator, Mapping

from harness.environments import compose_values as values
from harness.environments.compose_yaml import Item, Problem

READ = frozenset(
    {
        "build",
        "command",
        "depends_on",
        "entrypoint",
        "env_file",
        "environment",
        "expose",
        "healthcheck",
        "hostname",
        "image",
        "labels",
        "networks",
        "ports",
        "profiles",
        "restart",
        "stop_grace_period",
        "stop_signal",
        "volumes",
        "working_dir",
    }
)
"""Attributes that shape a node."""


NO_EFFECT: Mapping[str, tuple[Callable[[Item], object], str]] = {
    "annotations": (values.pairs, "metadata of a container"),
    "attach": (values.boolean, "every node's output is kept in its log"),
    "container_name": (values.text, "a node is known by its service name"),
    "develop": (values.mapping, "only `docker compose watch` reads it"),
    "init": (values.boolean, "every node has an init process that reaps"),
    "logging": (values.mapping, "every node's output is kept in its log"),
    "platform": (values.text, "nodes run natively"),
    "pull_policy": (values.text, "nodes run natively, no image is pulled"),
    "stdin_open": (values.boolean, "a node's input is empty"),
    "tty": (values.boolean, "a node's output goes to its log"),
    "user": (values.loose_text, "each role's recipe picks the user it needs"),
}
"""Attributes that matter to containers alone: their form is checked, natively they do nothing.
Likewise: the registry and tag of `image` (the pinned version runs), BUILD_NO_EFFECT, the `name`
and `driver` of networks and volumes, `healthcheck.start_interval` (readiness is asked often), the
host address of a port if it is 127.0.0.1 or 0.0.0.0, and `z`/`Z` of a volume."""

BUILD_NO_EFFECT = frozenset({"args", "dockerfile", "labels", "platforms", "tags", "target"})
"""Attributes of `build` that shape an image; natively the context directory alone counts."""

_ADVICE: Mapping[str, tuple[str, ...]] = {
    "remove it: nodes run without resource limits": (
        "blkio_config", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period",
        "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "mem_limit", "mem_reservation",
        "mem_swappiness", "memswap_limit", "oom_kill_disable", "oom_score_adj", "pids_limit",
        "shm_size", "storage_opt", "ulimits",
    ),
    "remove it: a node keeps its own network identity": (
        "dns", "dns_opt", "dns_search", "domainname", "external_links", "extra_hosts", "links",
        "mac_address", "network_mode",
    ),
    "remove it: privileges are the same for all nodes": (
        "cap_add", "cap_drop", "cgroup", "cgroup_parent", "credential_spec",
        "device_cgroup_rules", "devices", "gpus", "group_add", "ipc", "isolation", "pid",
        "privileged", "read_only", "runtime", "security_opt", "sysctls", "use_api_socket",
        "userns_mode", "uts",
    ),
    "declare one service for each replica": ("deploy", "scale"),
    "pass the value by environment or a bind mount": ("configs", "secrets"),
    "write a bind mount under volumes": ("tmpfs", "volumes_from"),
    "use a YAML anchor: <<: *base": ("extends",),
    "declare what it starts as a service": ("models", "provider"),
    "do it in the service's command": ("post_start", "pre_stop"),
    "list the labels under labels": ("label_file",),
}  # fmt: skip

REFUSED: Mapping[str, str] = {name: advice for advice, names in _ADVICE.items() for name in names}
"""Attributes of the specification that are not supported → what to do instead."""

LABEL_PREFIX = "aftershock."
LABELS = frozenset({"aftershock.build", "aftershock.ready", "aftershock.role"})
"""Labels of ours; another one with our prefix is refused."""


def unsupported(fields: Mapping[str, Item]) -> Iterator[Problem]:
    """A problem for each attribute of a service that is not read, in file order."""
    for name, item in fields.items():
        if name in READ or name.startswith("x-"):
            continue
        if name in NO_EFFECT:
            try:
                if item.value is not None:
                    NO_EFFECT[name][0](item)
            except Problem as problem:
                yield problem
        elif name in REFUSED:
            yield item.problem("is not supported", REFUSED[name])
        else:
            yield unknown(item, name, READ | set(NO_EFFECT))


def unknown(item: Item, name: str, known: "frozenset[str] | set[str]") -> Problem:
    """The problem of a key that is in no table, with the nearest known one as advice."""
    near = difflib.get_close_matches(name[:60], sorted(known), n=1)
    advice = f"did you mean {near[0]}?" if near else "remove it"
    return item.problem("is not an attribute that is known here", advice)


def only(item: Item, known: frozenset[str]) -> Mapping[str, Item]:
    """The entries of a mapping, all of which must be known. Raises Problem."""
    fields = values.mapping(item)
    for name, child in fields.items():
        if name not in known and not name.startswith("x-"):
            raise unknown(child, name, known)
    return fields
