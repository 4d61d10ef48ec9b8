"""Texts that would do something if a page took them for more than text. Each is at most 80 characters: a SKU, too."""

from typing import Final

TEXTS: Final = {
    "script": "<script>probe('script')</script>",
    "event": '"><img src=x onerror="probe(\'event\')">',
    "single quotes": "' autofocus onfocus='probe(`quotes`)' x='",
    "unquoted": "x onpointerover=probe() style=position:fixed;inset:0",
    "address": "javascript:probe('address')//",
    "data address": "data:text/html,<script>probe()</script>",
    "other host": "//evil.example/%2e%2e/\\evil.example",
    "jinja": "{{ 1111*1111 }}{% for _ in () %}{# ",
    "htmx": '" data-hx-get="/probe" data-hx-trigger="load" data-hx-on:load="probe()" x="',
    "htmx element": "<b hx-get=/probe hx-trigger=load hx-on::load=probe()>",
    "svg": "<svg><style><!--</style><a id=\"--><img src=x onerror=probe('svg')>\">",
    "raw text": "</textarea></title></option></script><img src=x onerror=probe('raw')>",
    "comment": "--><img src=x onerror=probe()><!-- ]]><![CDATA[",
    "entities": "&lt;img src=x onerror=probe()&gt;&#60;b&#62;&quot;&#x22;&NewLine;&colon;",
    "template": "<template shadowrootmode=open><slot></template><base href=//evil.example>",
    "clobber": "<form id=page name=htmx><input name=form_token id=live>",
    "right to left": "\u202egnp.exe\u2066<b>\u2069\u200f\u200b\ufeff",
    "controls": "a\r\nSet-Cookie: probe=1\r\n\r\n<b>\x1b[31m\x0b\x7f\x85\u2028",
    "long word": "W" * 80,
}
