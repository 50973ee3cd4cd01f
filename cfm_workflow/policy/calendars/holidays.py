"""The public holidays of countries and their regions, as the library `holidays` knows them. Pure.

The library takes a quarter of a second to import and as long again for its first country: it is imported when first
needed.
"""

import warnings
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any


@lru_cache(maxsize=4096)
def public_holidays(country: str, region: str | None, year: int) -> Mapping[date, str]:
    """The public holidays of a country with their names in its own language, those of a region among them.

    `country` and `region` are among `countries` and `regions`. Nothing depends on the locale of the process, which the
    library would ask for the language of the names.
    """
    entity = _entity(country)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where it does not know the lunar days of so late a year
        found = entity(years=year, subdiv=region, expand=False, language=entity.default_language)
    return MappingProxyType({day: found[day] for day in sorted(found) if day.year == year})


@cache
def countries() -> frozenset[str]:
    """The countries whose holidays are known, by ISO 3166-1 alpha-2."""
    from holidays.registry import EntityLoader

    return frozenset(EntityLoader.get_country_codes(include_aliases=False))


def regions(country: str) -> tuple[str, ...]:
    """The regions of a country that have holidays of their own, by the second part of ISO 3166-2."""
    return tuple(_entity(country).subdivisions)


def _entity(country: str) -> Any:
    import holidays

    return getattr(holidays, country)
