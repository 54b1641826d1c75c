"""What the namespaces environment remembers of one node while a run lives."""

from harness.environments.life import Life, Listener
from harness.environments.process import Process
from harness.environments.recipes.base import Recipe, Site
from harness.model.system import Node


class Running(Life):
    """One node: where it lives, how it runs, and what became of it."""

    def __init__(self, site: Site, recipe: Recipe, *, listener: Listener) -> None:
        super().__init__(site.log, listener)
        self.site = site
        self.recipe = recipe
        self.process: Process | None = None

    @property
    def node(self) -> Node:
        return self.site.node
