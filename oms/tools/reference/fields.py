"""Reference page: which permissions a viewer needs for each field of the API, as the fields declare them."""

from collections import defaultdict
from typing import Final

from oms.schema.schema import schema

_HEAD: Final = """\
# Fields

Which permissions a viewer needs for each field of the [schema](schema.graphql); which roles have them:
[permissions](permissions.md). Fields of a type that needs *nothing more* are visible to everybody who can reach an
object of the type; root fields, to everybody who is signed in. Without permission a nullable field is null, and any
other is refused. This page is generated: `make docs`.

| type | needs | fields |
| --- | --- | --- |
"""


def fields_page() -> str:
    groups: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (type_name, field), needs in sorted(schema.needs.items()):
        groups[type_name, tuple(sorted(need.name for need in needs))].append(field)
    return _HEAD + "".join(
        f"| {type_name} | {', '.join(needs) or '*nothing more*'} | {', '.join(fields)} |\n"
        for (type_name, needs), fields in groups.items()
    )
