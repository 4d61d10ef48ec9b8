"""Which warehouses serve an order: as few shipments as possible, then the fewest units split, then by code."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

Demand = Mapping[str, int]
"""Units ordered by SKU, summed over the order's lines."""

Levels = Mapping[str, Mapping[str, int]]
"""Units available by SKU and warehouse code."""

SEARCH_EFFORT: Final = 400_000
"""Maximum of (set, SKU) pairs examined; then the best set found so far is taken. See docs/guides/allocation.md."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one warehouse sends: units by SKU, each at least 1."""

    warehouse_code: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts in the order of their warehouse codes, and what is short by SKU, each at least 1."""

    parts: tuple[Part, ...]
    short: Mapping[str, int]


def plan(demand: Demand, levels: Levels, *, at_most: Demand | None = None, effort: int = SEARCH_EFFORT) -> Plan:
    """Everything that can be allocated, from the best set of warehouses; of each SKU `at_most` so many units, if given.

    `effort`: what the search may examine. Deterministic: equal input gives an equal plan.
    Source: docs/guides/allocation.md.
    """
    wanted = demand if at_most is None else {sku: at_most.get(sku, 0) for sku in demand}
    reachable = {sku: min(units, sum(levels.get(sku, {}).values())) for sku, units in wanted.items()}
    short = {sku: units - reachable[sku] for sku, units in demand.items() if units > reachable[sku]}
    available = {sku: units for sku, units in reachable.items() if units}
    chosen = _choose(available, levels, effort)
    taken: dict[str, dict[str, int]] = {}
    for sku, units in available.items():
        for code, share in _shares(units, levels[sku], chosen):
            taken.setdefault(code, {})[sku] = share
    return Plan(tuple(Part(code, taken[code]) for code in sorted(taken)), short)


def _shares(units: int, held: Mapping[str, int], chosen: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Largest holding first: that leaves the fewest units outside the largest share."""
    for code in sorted(chosen, key=lambda code: (-held.get(code, 0), code)):
        share = min(units, held.get(code, 0))
        if share == 0:
            return
        yield code, share
        units -= share


def preference(demand: Demand, levels: Levels, chosen: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Sort key of sets of warehouses of equal size: fewest units split, then the order of codes."""
    codes = tuple(sorted(chosen))
    return units_split(demand, levels, codes), codes


def units_split(demand: Demand, levels: Levels, chosen: Iterable[str]) -> int:
    """Units that do not travel with the largest share of their SKU."""
    codes = tuple(chosen)
    largest = {sku: max(levels[sku].get(code, 0) for code in codes) for sku in demand}
    return sum(max(0, units - largest[sku]) for sku, units in demand.items())


def _choose(demand: Demand, levels: Levels, effort: int) -> tuple[str, ...]:
    """The smallest set of warehouses that covers the demand; sorted codes."""
    if not demand:
        return ()
    forced = _indispensable(demand, levels)
    missing = _missing(demand, levels, forced)
    if not missing:
        return tuple(sorted(forced))
    search = _Search(demand, levels, effort)
    for extra in range(1, len(_warehouses(missing, levels) - forced) + 1):
        found = search.best(frozenset(forced), missing, extra)
        if found:
            return found
        if search.effort <= 0:
            break
    return _greedily(demand, levels, forced)


def _warehouses(demand: Demand, levels: Levels) -> set[str]:
    return {code for sku in demand for code, units in levels[sku].items() if units > 0}


def _indispensable(demand: Demand, levels: Levels) -> set[str]:
    """The warehouses without which some SKU would be short."""
    return {
        code
        for sku, units in demand.items()
        for code, held in levels[sku].items()
        if sum(levels[sku].values()) - held < units
    }


def _missing(demand: Demand, levels: Levels, chosen: Iterable[str]) -> dict[str, int]:
    codes = tuple(chosen)
    left = {sku: units - sum(levels[sku].get(code, 0) for code in codes) for sku, units in demand.items()}
    return {sku: units for sku, units in left.items() if units > 0}


@dataclass(slots=True)
class _Search:
    """Branch and bound over sets of a given size. `effort`: how many (set, SKU) pairs it may still examine."""

    demand: Demand
    levels: Levels
    effort: int

    def best(self, chosen: frozenset[str], missing: Demand, extra: int) -> tuple[str, ...] | None:
        """The best set of `extra` more warehouses, or None if there is none or the effort ran out."""
        sets = self._sets(chosen, frozenset(), missing, extra)
        best = min(sets, key=lambda found: preference(self.demand, self.levels, found), default=None)
        return tuple(sorted(best)) if best else None

    def _sets(
        self, chosen: frozenset[str], excluded: frozenset[str], missing: Demand, extra: int
    ) -> Iterator[frozenset[str]]:
        """Every feasible set once: a branch adds a warehouse with the scarcest SKU and excludes those tried before."""
        self.effort -= len(missing) + 1
        if not missing:
            yield chosen
            return
        if self.effort <= 0 or not self._within_reach(chosen | excluded, missing, extra):
            return
        scarcest = min(missing, key=lambda sku: (len(self._holders(sku, chosen | excluded)), sku))
        for code in self._holders(scarcest, chosen | excluded):
            taken = chosen | {code}
            yield from self._sets(taken, excluded, _missing(self.demand, self.levels, taken), extra - 1)
            excluded |= {code}

    def _holders(self, sku: str, excluded: frozenset[str]) -> list[str]:
        """Fullest first, so that a search that runs out of effort has examined the most promising sets."""
        held = self.levels[sku]
        return sorted((c for c, units in held.items() if units and c not in excluded), key=lambda c: (-held[c], c))

    def _within_reach(self, excluded: frozenset[str], missing: Demand, extra: int) -> bool:
        """Whether the `extra` fullest remaining warehouses could cover each SKU on its own."""
        return all(
            sum(self.levels[sku][code] for code in self._holders(sku, excluded)[:extra]) >= units
            for sku, units in missing.items()
        )


def _greedily(demand: Demand, levels: Levels, forced: set[str]) -> tuple[str, ...]:
    """Where the exact search is too large: adds the warehouse that covers the most missing units, repeatedly."""
    chosen = set(forced)
    while missing := _missing(demand, levels, chosen):
        covered = {
            code: sum(min(units, levels[sku].get(code, 0)) for sku, units in missing.items())
            for code in _warehouses(missing, levels) - chosen
        }
        chosen.add(min(covered, key=lambda code: (-covered[code], code)))
    return tuple(sorted(chosen))
