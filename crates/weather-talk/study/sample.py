#!/usr/bin/env python3
"""Draws the sample of the study: which tweets of ALL_3class were labelled, in which order, from which stratum.

    study/sample.py [FOLDER]       sizes of the strata, and a check of labels.tsv against them

FOLDER has train/ALL_3class.tsv and dev/ALL_3class.tsv; the default is ../shared/data/labelled beside the repository.
The strata do not depend on the detector: `strong` has words that are mostly about the weather, `broad` has words that
sometimes are, `loose` has words that rarely are, `none` has none of them. Within a stratum and a half, tweets are in
the order of a hash of their id, and the sample is a prefix.
"""
import collections
import hashlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
FILES = ("train/ALL_3class.tsv", "dev/ALL_3class.tsv")

STRONG = re.compile(
    r"\b(?:weather\w*|rain(?:s|ed|ing|y|in|fall|storm\w*|drop\w*|coat\w*|day\w*)?|snow(?:s|ed|ing|y|in|fall"
    r"|storm\w*|day\w*|flake\w*|flurr\w*|mageddon|pocalypse|ing)?|drizzl\w*|sleet\w*|hail(?:storm|stones?|ing)"
    r"|blizzard\w*|thunder(?:storm|ing|y)\w*|sunny|sunshine|sunlight|humid\w*|muggy|swelter\w*|heat ?waves?"
    r"|forecast\w*|degrees|temps?|temperatures?|windy|winds|breez\w*|gust\w*|cloudy|clouds|overcast|fog\w*"
    r"|frost\w*|chilly|freezing|icy|slush\w*|flood\w*|hurricanes?|tornado\w*|typhoon\w*|cyclone\w*|monsoon\w*"
    r"|drought\w*|nor'?easter|celsius|fahrenheit|meteorolog\w*|wind ?chill|sandy|downpour\w*|pouring|puddles?"
    r"|umbrellas?|storms?|stormy|sunburn\w*|lightning|rainbows?|scorching|nippy|brr+|dreary|gloomy|mist|misty"
    r"|mild|warmer|colder|warmth)\b|°|º|[☀-☃☔⛄⛅⛆⛈❄🌀🌁🌂🌈🌞🌡-🌬🌪🌫🌤🌥🌦🌧🌨🌩]|#\w*(?:weather|snow|rain|storm|sunshine"
    r"|cold|heat)\w*|\b-?\d+ ?[FC]\b",
    re.I,
)

BROAD = re.compile(
    r"\b(?:hot|hotter|hottest|cold|coldest|heat|warm|warmest|cloud|wind|sunrise|sunset|sky|skies|frozen|froze"
    r"|freeze|wet|soak\w*|damp|outside|sweat\w*|shiver\w*|sunscreen|sunglasses|tan|tanning|toasty|boiling"
    r"|roasting|shovel\w*|sled\w*|polar|vortex|arctic|crisp|muddy|mud|dew|haz[ey]+|smog|tropical|drenched"
    r"|nice day|lovely day|beautiful day|gorgeous day|day for|nice out|power outage|snow\w+|rain\w+|melting"
    r"|thunder|hail|gloves|scarf|chill)\b|(?-i:\bsun\b)|\bthe sun\b",
    re.I,
)

LOOSE = re.compile(
    r"\b(?:hot|hotter|hottest|cold|coldest|heat|heats|warm|warmest|cloud|wind|sun|suns|sunrise|sunset|sky|skies"
    r"|ice|iced|freeze|freezes|frozen|froze|cool|cooler|cooling|chill|chills|summer\w*|winter\w*|autumn|spring"
    r"|wet|soaked|soaking|damp|dry|shower|showers|thunder|hail|melt\w*|burn\w*|degree|outside|outdoors?"
    r"|sweat\w*|shiver\w*|boots|scarf|gloves|sweater|hoodie|coat|jacket|shorts|tan|tanning|sunscreen|sunglasses"
    r"|beach|climate|season|blow(?:ing|n|s)?|storming|dark|grey|gray|crisp|air|ac|a/c|heater|heating|fans?"
    r"|snow\w+|rain\w+|f|c|blaz\w*|toasty|boiling|roasting|hibernat\w*|power outage|lovely day|beautiful day"
    r"|gorgeous|nice day|nice out|beautiful out|great day|day for|humid|leaves|dew|blue sky|conditions"
    r"|evacuat\w*|cancel\w*|delay\w*|roads?|shovel\w*|plow\w*|sled\w*|skiing|snowboard\w*|polar|vortex|arctic"
    r"|antarctic|avalanche|nemo|jonas|irene|katrina|pour(?:s|ed)?|dripping|drenched|mud|muddy|dust|haze|hazy"
    r"|smog|tropical|front|pressure|barometer|el nino|nino)\b",
    re.I,
)

def stratum(text):
    text = re.sub(r"https?://\S+|@\w+", "", text)
    found = STRONG.findall(text)
    if found:
        return "none" if all(word.lower().startswith("mayweather") for word in found) else "strong"
    if BROAD.search(text):
        return "broad"
    return "loose" if LOOSE.search(text) else "none"


def order(tweet):
    """The place of a tweet in the order, and the half that it belongs to: even is the development half."""
    return int.from_bytes(hashlib.sha256(("weather-talk " + tweet).encode()).digest()[:8], "big")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[3] / "shared/data/labelled"
    if not folder.is_dir():
        print(f"SKIPPED: {folder} is missing")
        return
    tweets = {}
    for file in FILES:
        for line in (folder / file).read_text(encoding="utf-8").split("\n")[1:]:
            if line:
                tweet, _, text = line.split("\t")
                tweets.setdefault(tweet, stratum(text))
    print(dict(collections.Counter(tweets.values())))
    wrong = 0
    for line in (HERE / "labels.tsv").read_text().splitlines()[1:]:
        _, tweet, name, _, _ = line.split("\t")
        wrong += tweets.get(tweet) != name
    print(f"{wrong} labelled tweets in another stratum")


if __name__ == "__main__":
    main()
