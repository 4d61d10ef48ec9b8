"""By which bound values a statement is routed to the shards of each table that it names."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import sqlglot
from sqlglot import exp

Block: TypeAlias = exp.Select | exp.Insert | exp.Update | exp.Delete
"""At any depth of the statement."""

_BLOCKS: Final = (exp.Select, exp.Insert, exp.Update, exp.Delete)


@dataclass(frozen=True, slots=True)
class Column:
    """Of the table or subquery with the alias `source` in one block."""

    block: int
    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Routed:
    """A mention of a table. `by`: the placeholders that its key is equal to, such as "$1"; empty if there are none."""

    table: str
    by: frozenset[str]


def routed(sql: str, keys: Mapping[str, str], columns: Mapping[str, Sequence[str]]) -> list[Routed]:
    """Every mention of a table with a key; `columns` has those of all tables.

    Raises: sqlglot.errors.ParseError.
    """
    statement = _Statement(sqlglot.parse_one(sql, dialect="postgres"), columns)
    return [
        Routed(table, statement.values_of(Column(block, alias, keys[table])))
        for block, alias, table in statement.tables()
        if table in keys
    ]


class _Statement:
    """Which columns its conditions make equal to one another and to bound values."""

    def __init__(self, tree: exp.Expr, columns: Mapping[str, Sequence[str]]) -> None:
        self._columns = columns
        self._ctes = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}
        self._blocks: list[Block] = list(tree.find_all(*_BLOCKS))
        self._sources = {id(block): dict(_sources_of(block)) for block in self._blocks}
        self._equal: defaultdict[Column, set[Column]] = defaultdict(set)
        self._values: defaultdict[Column, set[str]] = defaultdict(set)
        for block in self._blocks:
            self._learn(block)

    def tables(self) -> Iterator[tuple[int, str, str]]:
        """Block, alias and name of each."""
        for block in self._blocks:
            for alias, source in self._sources[id(block)].items():
                if isinstance(source, exp.Table) and source.name not in self._ctes:
                    yield id(block), alias, source.name

    def values_of(self, column: Column) -> frozenset[str]:
        """The placeholders that it is equal to, also through other columns."""
        seen, waiting = {column}, [column]
        while waiting:
            more = self._equal[waiting.pop()] - seen
            seen |= more
            waiting.extend(more)
        return frozenset(value for each in seen for value in self._values[each])

    def _learn(self, block: Block) -> None:
        for alias, source in self._sources[id(block)].items():
            if isinstance(source, exp.Unnest):
                for name, given in zip(_names_of(source), source.expressions, strict=False):
                    self._equate(Column(id(block), alias, name), None, given)
        if isinstance(block, exp.Insert):
            self._learn_inserted(block)
        for one, other in _equations_of(block):
            if column := self._resolved(block, one):
                self._equate(column, block, other)
            if column := self._resolved(block, other):
                self._equate(column, block, one)

    def _learn_inserted(self, block: exp.Insert) -> None:
        """Each column is equal to what is selected, or given, at its position."""
        for place, name in enumerate(block.this.expressions):
            column = Column(id(block), _alias_of(block.this.this), name.name)
            if isinstance(block.expression, exp.Values):
                for row in block.expression.expressions:
                    self._equate(column, block, row.expressions[place])
            for select in _selects_of(block.expression):
                self._equate(column, select, self._selected(select)[place])

    def _selected(self, select: exp.Select) -> list[exp.Expr]:
        """The output at each position; `*` of a function is replaced by its columns."""
        found: list[exp.Expr] = []
        for output in select.selects:
            if not output.is_star:
                found.append(output)
                continue
            for alias, source in self._sources[id(select)].items():
                if isinstance(source, exp.Unnest) and output.text("table") in ("", alias):
                    found += source.expressions
        return found

    def _equate(self, column: Column, block: Block | None, other: exp.Expr) -> None:
        other = _bare(other)
        if isinstance(other, exp.Parameter):
            self._values[column].add(f"${other.name}")
        elif block is not None and (found := self._resolved(block, other)) and found != column:
            self._equal[column].add(found)
            self._equal[found].add(column)

    def _resolved(self, block: Block | None, expression: exp.Expr) -> Column | None:
        """The column it refers to, of this block or an enclosing one; None for other expressions."""
        expression = _bare(expression)
        if not isinstance(expression, exp.Column):
            return None
        while block is not None:
            sources = self._sources[id(block)]
            for alias in [expression.table] if expression.table in sources else sources:
                if expression.table in ("", alias) and (found := self._column(block, alias, expression.name)):
                    return found
            block = cast("Block | None", block.find_ancestor(*_BLOCKS))
        return None

    def _column(self, block: Block, alias: str, name: str) -> Column | None:
        """A source's column, if it has it; a subquery's column is made equal to what is selected there."""
        source, column = self._sources[id(block)][alias], Column(id(block), alias, name)
        if isinstance(source, exp.Unnest):
            return column if name in _names_of(source) else None
        if isinstance(source, exp.Table) and source.name not in self._ctes:
            return column if name in self._columns.get(source.name, ()) else None
        inner = self._ctes[source.name] if isinstance(source, exp.Table) else source
        outputs = list(_outputs_of(inner, name))
        for below, output in outputs:
            self._equate(column, below, output)
        return column if outputs else None


def _sources_of(block: Block) -> Iterator[tuple[str, exp.Expr]]:
    """The tables and subqueries that a block reads or writes, by alias."""
    if not isinstance(block, exp.Select):
        target = block.this.this if isinstance(block.this, exp.Schema) else block.this
        yield _alias_of(target), target
    if isinstance(block, exp.Insert):
        return
    come_from = block.args.get("from_")
    joined = [join.this for join in block.args.get("joins") or ()]
    for source in (*([come_from.this] if come_from else []), *joined, *(block.args.get("using") or ())):
        yield _alias_of(source), source
        for join in source.args.get("joins") or ():
            yield _alias_of(join.this), join.this


def _equations_of(block: Block) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Pairs that are equal in every row of the block, or one of which is in the other's array."""
    earlier = [alias for alias, _ in _sources_of(block)]
    conditions = [where.this] if (where := block.args.get("where")) else []
    for join in _joins_of(block):
        conditions += [join.args["on"]] if join.args.get("on") else []
        here = _alias_of(join.this)
        for name in join.args.get("using") or ():
            for alias in earlier[: earlier.index(here)]:
                yield exp.column(name.name, here), exp.column(name.name, alias)
    for condition in conditions:
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            yield from _equal_in(part)


def _joins_of(block: Block) -> Iterator[exp.Join]:
    yield from block.args.get("joins") or ()
    come_from = block.args.get("from_")
    for source in (*([come_from.this] if come_from else []), *(block.args.get("using") or [])):
        yield from source.args.get("joins") or ()


def _equal_in(condition: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    match _bare(condition):
        case exp.EQ(this=exp.Tuple() as left, expression=exp.Tuple() as right):
            yield from zip(left.expressions, right.expressions, strict=True)
        case exp.EQ() as equal:
            values = equal.expression
            yield equal.this, values.this if isinstance(values, exp.Any) else values


def _outputs_of(source: exp.Expr, name: str) -> Iterator[tuple[Block, exp.Expr]]:
    """The expressions behind a column of a subquery, one for each of its branches."""
    if isinstance(source, exp.Insert | exp.Update | exp.Delete):
        returning = source.args.get("returning")
        yield from ((source, each) for each in (returning.expressions if returning else ()) if each.output_name == name)
        return
    for select in _selects_of(source):
        for output in select.selects:
            if output.output_name == name:
                yield select, output
            elif output.is_star:
                yield select, exp.column(name, output.text("table") or None)


def _selects_of(source: exp.Expr | None) -> Iterator[exp.Select]:
    """The branches of a union, or the only one."""
    match source:
        case exp.Select():
            yield source
        case exp.SetOperation():
            yield from _selects_of(source.this)
            yield from _selects_of(source.expression)
        case exp.Subquery() | exp.Lateral() | exp.Paren():
            yield from _selects_of(source.this)


def _bare(expression: exp.Expr) -> exp.Expr:
    """Without casts, collations, parentheses and aliases."""
    while isinstance(expression, exp.Cast | exp.Collate | exp.Paren | exp.Alias):
        expression = expression.this
    return expression


def _names_of(source: exp.Unnest) -> list[str]:
    """Its column aliases; none if it has none."""
    return [column.name for column in source.args["alias"].columns] if source.alias else []


def _alias_of(source: exp.Expr) -> str:
    return source.alias or source.name
