"""Searching orders: newest first, exactly, and within a bound on what is read, however many orders match.

Three ways lead to candidates, which are then looked at one by one, newest first (docs/decisions/0040):

- A word that at most 10,000 orders have: the newest of these, sorted.
- A word that is in many orders, but as few terms or SKUs ("Berlin"): the newest orders of each.
- A beginning of very many terms ("2024-"), or a list that is short anyway, such as a customer's own: the list itself.

The last two end somewhere. If the page is not full by then, it says where to continue.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from oms.domain.order_queries.orders import OrderSelect, SeenOrder
from oms.domain.order_queries.policy import SearchReason
from oms.domain.order_search.model import MAX_WORDS, Sought, Word, sought_in
from oms.domain.vocabulary.errors import refuse_all, refused
from oms.domain.vocabulary.ids import NO_ID
from oms.domain.vocabulary.paging import Page, bounded, cursor_of
from oms.domain.vocabulary.texts.checks import EMAIL_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database, Statement, columns

EXAMINED: Final = 300
"""Candidates of one round."""

ROUNDS: Final = 3
"""Rounds of one page."""

RARE: Final = 10_000
"""Orders that have a word which is read and sorted as a whole, from an index."""

STREAMS: Final = 50
"""Terms, or SKUs, that a word may stand for while the newest orders of each are read."""

Newest = Callable[[UUID, int], Awaitable[Sequence[UUID]]]
"""Called with an id and a number: returns the ids of at most so many orders of the list, the newest below that id."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The orders among which to search: an SQL condition over `o`, its values, and the ids between which they are.

    `is_short`: there are few of them, so the list itself is looked through.
    """

    condition: str
    values: Mapping[str, Any]
    above: UUID
    below: UUID
    newest: Newest
    is_short: bool


def check(text: str) -> Sought:
    """Raises Refused(INVALID). A text that has neither letters nor digits finds nothing."""
    refuse_all(check_text(text, "search", max_length=EMAIL_LENGTH))
    sought = sought_in(text)
    if sought.readings and len(sought.readings[0]) > MAX_WORDS:
        message = wording("search has more than {max_words} words: leave some out.", max_words=MAX_WORDS)
        raise refused(SearchReason.TOO_MANY_WORDS, message, "search")
    return sought


async def page(db: Database, select: OrderSelect, sought: Sought, scope: Scope, first: int) -> Page[SeenOrder]:
    """The newest orders of the scope that match."""
    candidates = await _Candidates.planned(db, sought, scope)
    query = bounded(_MATCHING.format(columns=select.columns, condition=scope.condition), first + 1)
    found: list[SeenOrder] = []
    below = scope.below
    for _ in range(ROUNDS):
        batch = await candidates.below(below)
        if batch.masks:
            values = {**scope.values, **candidates.words, **batch.values()}
            found += await select.rows(db, query, values)
        if batch.reached is None or len(found) > first:
            return Page.of(found, first)
        below = batch.reached
    return Page(found, more=True, end=cursor_of(below.hex))


@dataclass(slots=True)
class _Batch:
    """Candidates, each with the readings that it is one of, as bits. `reached`: all from that id on are among them.

    None: there are no others.
    """

    masks: dict[UUID, int] = field(default_factory=dict)
    reached: UUID | None = None

    def add(self, ids: Iterable[UUID], reading: int) -> None:
        for each in ids:
            self.masks[each] = self.masks.get(each, 0) | 1 << reading

    def stop_at(self, reached: UUID | None) -> None:
        """Of some candidates, all from that id on are known."""
        if reached is not None and (self.reached is None or reached > self.reached):
            self.reached = reached

    def values(self) -> dict[str, Any]:
        """Newest first, without those that an incomplete way may have left gaps between."""
        ids = sorted((each for each in self.masks if self.reached is None or each >= self.reached), reverse=True)
        return {"candidates": ids, "masks": [self.masks[each] for each in ids]}


_ID_READING: Final = 30
"""The bit of candidates that were found by their id, or their customer's: there is no word that they must have."""


@dataclass(slots=True)
class _Candidates:
    """How each reading gets to its candidates: by a `rare` word, by the `streams` of one, or it `walks`."""

    db: Database
    sought: Sought
    scope: Scope
    words: dict[str, Any]
    rare: dict[int, Word]
    streams: "dict[int, list[_Streams]]"
    walks: list[int]

    @classmethod
    async def planned(cls, db: Database, sought: Sought, scope: Scope) -> "_Candidates":
        self = cls(db, sought, scope, {}, {}, {}, [])
        rows = {} if scope.is_short else await _rows_of(db, {word for words in sought.readings for word in words})
        unverified = []
        for number, reading in enumerate(sought.readings):
            rarest = min(reading, key=lambda word: rows.get(word, RARE + 1))
            if rows.get(rarest, RARE + 1) <= RARE:
                self.rare[number] = rarest
            elif scope.is_short or not (streams := await _streams_of(db, reading)):
                self.walks.append(number)
            else:
                self.streams[number] = streams
            unverified += [(number, word) for word in reading if self.rare.get(number) != word]
        self.words = _bound(unverified)
        return self

    async def below(self, bound: UUID) -> _Batch:
        batch = _Batch()
        for number, word in self.rare.items():
            rows = await self.db.rows(_OF_WORD, **_bound([(number, word)]), above=self.scope.above, below=bound)
            batch.add((row[0] for row in rows), number)
            batch.stop_at(rows[-1][0] if len(rows) == EXAMINED else None)
        for number, streams in self.streams.items():
            # The word that leads furthest back is the rarest: the fewest of its orders lack the other words.
            ways = [await each.newest(self.db, self.scope.above, bound) for each in streams]
            ids, reached = min(ways, key=lambda way: way[1] or NO_ID)
            batch.add(ids, number)
            batch.stop_at(reached)
        if self.walks:
            newest = await self.scope.newest(bound, EXAMINED)
            for number in self.walks:
                batch.add(newest, number)
            batch.stop_at(newest[-1] if len(newest) == EXAMINED else None)
        await self._by_id(batch, bound)
        return batch

    async def _by_id(self, batch: _Batch, bound: UUID) -> None:
        if self.sought.lowest_id is not None:
            values = {"lowest": self.sought.lowest_id, "highest": self.sought.highest_id}
            query = _OF_IDS
        elif self.sought.customer_id is not None:
            query, values = _OF_CUSTOMER, {"customer": self.sought.customer_id}
        else:
            return
        ids = [row[0] for row in await self.db.rows(query, **values, above=self.scope.above, below=bound)]
        batch.add(ids, _ID_READING)
        batch.stop_at(ids[-1] if len(ids) == EXAMINED else None)


_OF_IDS: Final = Statement(
    f"""
    SELECT o.id FROM orders o
    WHERE o.id >= greatest(CAST(:lowest AS uuid), CAST(:above AS uuid)) AND o.id <= :highest AND o.id < :below
    ORDER BY o.id DESC LIMIT {EXAMINED}
    """  # noqa: S608 - a number
)
_OF_CUSTOMER: Final = Statement(
    f"""
    SELECT o.id FROM orders o
    WHERE o.customer_reference = (SELECT reference FROM customers WHERE id = :customer)
        AND o.id >= :above AND o.id < :below ORDER BY o.id DESC LIMIT {EXAMINED}
    """  # noqa: S608 - a number
)

_BEYOND: Final = "\U0010ffff"
"""Sorts after every letter and digit: what begins with a text is between the text and the text with this."""

_OF_WORDS: Final = """
    FROM unnest(CAST(:places AS int[]), CAST(:terms AS text[]), CAST(:term_ends AS text[]), CAST(:phones AS text[]),
                CAST(:phone_ends AS text[])) AS w(place, term, term_end, phone, phone_end)
"""
_ORDERS_OF_WORD: Final = f"""
    (SELECT t.order_id FROM order_terms t WHERE t.term >= w.term AND t.term <= w.term_end LIMIT {RARE + 1})
    UNION ALL
    (SELECT t.order_id FROM order_terms t WHERE t.term >= w.phone AND t.term <= w.phone_end LIMIT {RARE + 1})
    UNION ALL
    (SELECT l.order_id
     FROM (SELECT DISTINCT p.sku FROM product_terms p WHERE p.term >= w.term AND p.term <= w.term_end
           LIMIT {STREAMS}) p
     JOIN order_lines l ON l.sku = p.sku LIMIT {RARE + 1})
"""  # noqa: S608 - numbers
"""Of the word `w`: by a term, a telephone number, or a product; not all of them if there are very many."""

_ROWS: Final = Statement(
    f"""
    SELECT w.place, (SELECT count(*) FROM ({_ORDERS_OF_WORD}) found),
        (SELECT count(*) FROM (SELECT DISTINCT p.sku FROM product_terms p
                               WHERE p.term >= w.term AND p.term <= w.term_end LIMIT {STREAMS}) p)
    {_OF_WORDS}
    """  # noqa: S608 - parts are written here
)
_OF_WORD: Final = Statement(
    f"""
    SELECT DISTINCT found.order_id {_OF_WORDS} CROSS JOIN LATERAL ({_ORDERS_OF_WORD}) found
    WHERE found.order_id >= :above AND found.order_id < :below ORDER BY found.order_id DESC LIMIT {EXAMINED}
    """
)
_WORD_VALUES: Final = ("places", "terms", "term_ends", "phones", "phone_ends")


def _bound(words: Sequence[tuple[int, Word]]) -> dict[str, Any]:
    """Numbered words as the values of a statement."""
    rows = [
        (number, word.term, word.term + _BEYOND, word.phone, word.phone and word.phone + _BEYOND)
        for number, word in words
    ]
    return columns(_WORD_VALUES, rows)


async def _rows_of(db: Database, words: Iterable[Word]) -> dict[Word, int]:
    """How many rows say that an order has the word; more than RARE stands for many."""
    numbered = list(enumerate(words))
    counted = await db.rows(_ROWS, **_bound(numbered))
    return {numbered[place][1]: rows if skus < STREAMS else RARE + 1 for place, rows, skus in counted}


@dataclass(frozen=True, slots=True)
class _Streams:
    """The terms and SKUs that a word stands for; of each, orders can be read newest first."""

    terms: Sequence[str]
    skus: Sequence[str]

    async def newest(self, db: Database, above: UUID, below: UUID) -> tuple[set[UUID], UUID | None]:
        """Orders, and the id from which on all of them are known; None: all are."""
        limit = max(1, EXAMINED // (len(self.terms) + len(self.skus)))
        rows = await db.rows(
            _NEWEST_OF_STREAMS, terms=self.terms, skus=self.skus, above=above, below=below, limit=limit
        )
        ids: set[UUID] = set()
        reached: UUID | None = None
        for (of_stream,) in rows:
            ids.update(of_stream)
            if len(of_stream) == limit and (reached is None or of_stream[-1] > reached):
                reached = of_stream[-1]
        return ids, reached


_NEWEST_OF_STREAMS: Final = Statement(
    """
    SELECT ARRAY(SELECT t.order_id FROM order_terms t
                 WHERE t.term = s.term AND t.order_id >= :above AND t.order_id < :below
                 ORDER BY t.order_id DESC LIMIT CAST(:limit AS int))
    FROM unnest(CAST(:terms AS text[])) AS s(term)
    UNION ALL
    SELECT ARRAY(SELECT l.order_id FROM order_lines l
                 WHERE l.sku = s.sku AND l.order_id >= :above AND l.order_id < :below
                 ORDER BY l.order_id DESC LIMIT CAST(:limit AS int))
    FROM unnest(CAST(:skus AS text[])) AS s(sku)
    """
)


async def _streams_of(db: Database, words: Iterable[Word]) -> list[_Streams]:
    """Of the words that stand for few terms and SKUs."""
    found: dict[int, tuple[list[str], list[str]]] = {}
    for place, kind, text in await db.rows(_STREAMS, **_bound(list(enumerate(words)))):
        found.setdefault(place, ([], []))[kind].append(text)
    return [_Streams(terms, skus) for terms, skus in found.values() if len(terms) < STREAMS and len(skus) < STREAMS]


def _distinct(low: str, high: str) -> str:
    """SQL for the first different terms of a range, each found by one step in the index."""
    return f"""
        WITH RECURSIVE each(term) AS (
            (SELECT t.term FROM order_terms t WHERE t.term >= {low} AND t.term <= {high} ORDER BY t.term LIMIT 1)
            UNION ALL
            SELECT (SELECT t.term FROM order_terms t WHERE t.term > each.term AND t.term <= {high}
                    ORDER BY t.term LIMIT 1)
            FROM each WHERE each.term IS NOT NULL)
        SELECT term FROM each WHERE term IS NOT NULL LIMIT {STREAMS}
    """  # noqa: S608 - names of columns


_STREAMS: Final = Statement(
    f"""
    SELECT w.place, 0, s.term {_OF_WORDS} CROSS JOIN LATERAL ({_distinct("w.term", "w.term_end")}) s
    UNION ALL
    SELECT w.place, 0, s.term {_OF_WORDS} CROSS JOIN LATERAL ({_distinct("w.phone", "w.phone_end")}) s
    UNION ALL
    SELECT w.place, 1, s.sku {_OF_WORDS} CROSS JOIN LATERAL (
        SELECT DISTINCT p.sku FROM product_terms p WHERE p.term >= w.term AND p.term <= w.term_end LIMIT {STREAMS}) s
    """  # noqa: S608 - parts are written here
)

# Candidates are looked at in their order, and no more of them than the page needs.
_MATCHING: Final = f"""
    SELECT {{columns}}
    FROM (SELECT * FROM unnest(CAST(:candidates AS uuid[]), CAST(:masks AS int[])) AS c(id, mask) ORDER BY id DESC) c
    CROSS JOIN LATERAL (
        SELECT * FROM orders o WHERE o.id = c.id AND {{condition}} AND (
            c.mask & {1 << _ID_READING} <> 0
            OR EXISTS (SELECT FROM generate_series(0, 1) AS reading WHERE c.mask & (1 << reading) <> 0 AND NOT EXISTS (
                SELECT {_OF_WORDS} WHERE w.place = reading
                AND NOT EXISTS (SELECT FROM order_terms t
                                WHERE t.order_id = o.id AND t.term >= w.term AND t.term <= w.term_end)
                AND NOT EXISTS (SELECT FROM order_terms t
                                WHERE t.order_id = o.id AND t.term >= w.phone AND t.term <= w.phone_end)
                AND NOT EXISTS (SELECT FROM order_lines l JOIN product_terms p ON p.sku = l.sku
                                WHERE l.order_id = o.id AND p.term >= w.term AND p.term <= w.term_end))))
        OFFSET 0) o
    ORDER BY c.id DESC LIMIT :limit
"""  # noqa: S608 - conditions are written here, values are bound
