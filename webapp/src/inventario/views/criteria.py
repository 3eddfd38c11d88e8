"""What a list of products is asked for, as it stands in an address: parsed and written in one place."""

from __future__ import annotations

import dataclasses
from typing import Any

from werkzeug.datastructures import MultiDict

from inventario.services.finding import SORTS, STATES, Criteria

_LONGEST_SEARCH = 100
_LARGEST_ID = 2**31 - 1


def parse(arguments: MultiDict[str, str]) -> Criteria:
    """Criteria from a query. What makes no sense is as if it were not there."""
    sort = arguments.get("sort", "")
    descending, sort = sort.startswith("-"), sort.removeprefix("-")
    category = arguments.get("category", "")
    state = arguments.get("state", "")
    return Criteria(
        search=" ".join(arguments.get("q", "")[:_LONGEST_SEARCH].split()),
        category_id=_number(category),
        unit_code=arguments.get("unit", "")[:8],
        state=state if state in STATES else Criteria.state,
        low=arguments.get("low") == "1",
        sort=sort if sort in SORTS else Criteria.sort,
        descending=descending and sort in SORTS,
        cursor=arguments.get("page", ""),
    )


def query(criteria: Criteria, **changes: Any) -> dict[str, str]:
    """The query that leads to these criteria or a change of them, at the beginning unless `cursor` is given."""
    changed = dataclasses.replace(criteria, **{"cursor": "", **changes})
    sort = f"-{changed.sort}" if changed.descending else changed.sort
    values = {
        "q": changed.search,
        "category": str(changed.category_id or ""),
        "unit": changed.unit_code,
        "state": changed.state if changed.state != Criteria.state else "",
        "low": "1" if changed.low else "",
        "sort": sort if sort != Criteria.sort else "",
        "page": changed.cursor,
    }
    return {name: value for name, value in values.items() if value}


def _number(text: str) -> int | None:
    # isdecimal is true for the digits of all scripts, which int reads as well
    if not text.isdecimal() or len(text) > 10:
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None
