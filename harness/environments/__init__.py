"""Where a system runs: native processes in namespaces."""
