"""Drawings of a plan: a tree for the terminal, Mermaid and DOT for pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.program import Program


class DrawnLine(NamedTuple):
    """One operator of a drawn tree.

    Attributes:
        branch: the lines that lead to it, for the terminal.
        path: its place in the pipeline, as errors name it.
        operator: the operator.
        slots: the number of its slots of state in each scope that it runs in.
    """

    branch: str
    path: str
    operator: Operator
    slots: int


def tree(plan: Plan) -> list[DrawnLine]:
    """Return the operators of a plan, outer before inner."""
    slots = Counter(_owners(Program(plan)))
    return list(_lines(plan, "", (), slots))


def mermaid(plan: Plan) -> str:
    """Return the plan as a Mermaid flow chart."""
    graph = _Graph()
    graph.chain(plan, "source")
    lines = ["flowchart TD", '  source(["records"])', *graph.mermaid]
    return "\n".join([*lines, *(f"  {start} --> {end}" for start, end in graph.edges)])


def dot(plan: Plan) -> str:
    """Return the plan in Graphviz' DOT."""
    graph = _Graph()
    graph.chain(plan, "source")
    style = 'node [shape=box, style=rounded, fontname="sans-serif"]; rankdir=TB;'
    edges = [f"  {start} -> {end};" for start, end in graph.edges]
    return "\n".join(["digraph pipeline {", f"  {style}", '  source [label="records"];', *graph.dot, *edges, "}"])


def _owners(program: Program) -> Iterator[str]:
    scopes = [program.scope]
    while scopes:
        for slot in scopes.pop().slots:
            yield slot.owner
            if slot.child and slot.child not in scopes:
                scopes.append(slot.child)


def _lines(plan: Plan, branch: str, path: tuple[str, ...], slots: Mapping[str, int]) -> Iterator[DrawnLine]:
    for operator in plan.operators:
        here = (*path, str(operator))
        yield DrawnLine(branch, " > ".join(here), operator, slots[" > ".join(here)])
        inner = list(operator.plans())
        for index, (place, child) in enumerate(inner):
            many = len(inner) > 1
            lead = f"{branch}{'├ ' if index < len(inner) - 1 else '└ '}" if many else f"{branch}  "
            inner_path = (*path, f"{operator.name}[{place}]") if many else here
            rest = f"{branch}{'│ ' if many and index < len(inner) - 1 else '  '}"
            for number, line in enumerate(_lines(child, "", inner_path, slots)):
                yield line._replace(branch=(lead if number == 0 else rest) + line.branch)


@dataclass
class _Graph:
    """Nodes, edges and frames, numbered as they are met."""

    mermaid: list[str] = field(default_factory=list)
    dot: list[str] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    _count: int = 0

    def chain(self, plan: Plan, start: str) -> str:
        """Draw a chain of operators after the node `start` and return its last node."""
        for operator in plan.operators:
            end = self._node(str(operator))
            self.edges.append((start, end))
            for index, (place, child) in enumerate(operator.plans()):
                if child.operators:
                    self._frame(
                        f"{operator.name} {place}" if index or place != "pipeline" else operator.name, child, end
                    )
            start = end
        return start

    def _node(self, label: str) -> str:
        self._count += 1
        name, text = f"n{self._count}", label.replace('"', "'")
        self.mermaid.append(f'  {name}["{text}"]')
        self.dot.append(f'  {name} [label="{text}"];')
        return name

    def _frame(self, title: str, plan: Plan, start: str) -> None:
        self._count += 1
        name = f"f{self._count}"
        self.mermaid.append(f'  subgraph {name}["{title}"]')
        self.dot.append(f'  subgraph cluster_{name} {{ label="{title}";')
        self.chain(plan, start)
        self.mermaid.append("  end")
        self.dot.append("  }")
