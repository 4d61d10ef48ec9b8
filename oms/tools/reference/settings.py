"""Reference page: every setting with its default and meaning, in the order of the class."""

from typing import Final

from oms.platform.settings import Settings, variable

_HEAD: Final = """\
# Settings

Read from the environment once, at start. A value that cannot be used stops the start and says why.
What managers choose on a page goes before it: [shop-settings.md](../guides/shop-settings.md).
This page is generated: `make docs`.

| variable | default | meaning |
| --- | --- | --- |
"""


def settings_page() -> str:
    fields = Settings.model_fields.items()
    return _HEAD + "".join(
        f"| `{variable(name)}` | {_default(name)} | {field.description} |\n" for name, field in fields
    )


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    if field.default_factory is not None or field.default in (None, ()):
        return "–"
    value = field.default
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"
