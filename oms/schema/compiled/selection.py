"""What a document selects below a field, for resolvers that read all of it at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ValueNode,
)

MAX_DEPTH: Final = 7
"""Levels of fields that are listed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`paths`: names of fields joined by dots. Types and conditions are ignored, so a path may turn out unused.

    `arguments`: by path, those of the first field there.
    """

    paths: frozenset[str]
    arguments: Mapping[str, Mapping[str, ValueNode]]

    @classmethod
    def of(cls, fields: Iterable[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]) -> Self:
        """Of fields that are merged into one. Visits a fragment once per path: linear, as validation is."""
        found: dict[str, Mapping[str, ValueNode]] = {}
        visited: set[tuple[str, str]] = set()
        pending = [(field.selection_set, "") for field in fields if field.selection_set]
        while pending:
            selected, prefix = pending.pop()
            for selection in selected.selections:
                match selection:
                    case FieldNode():
                        path = prefix + selection.name.value
                        found.setdefault(path, {each.name.value: each.value for each in selection.arguments or ()})
                        if selection.selection_set and path.count(".") < MAX_DEPTH - 1:
                            pending.append((selection.selection_set, f"{path}."))
                    case InlineFragmentNode():
                        pending.append((selection.selection_set, prefix))
                    case FragmentSpreadNode() if (prefix, selection.name.value) not in visited:
                        visited.add((prefix, selection.name.value))
                        pending.append((fragments[selection.name.value].selection_set, prefix))
        return cls(frozenset(found), found)
