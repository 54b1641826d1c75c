"""Where a System runs in containers: a local Docker Engine, driven by its SDK and by Compose."""
