"""Prints a table of start times and memory of containers: EVENTS SAMPLES.

EVENTS contains the JSON lines of `docker events`. SAMPLES contains lines PHASE NAME USED / LIMIT of `docker stats`; the
phase is idle or load.
"""

import json
import re
import sys

UNITS = {"B": 1 / 2**20, "KiB": 1 / 2**10, "MiB": 1, "GiB": 2**10}


def mib(text):
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", text).groups()
    return float(number) * UNITS[unit]


def read_events(path):
    """Returns, by container name, the service, and the time from start to healthy."""
    services, started, healthy = {}, {}, {}
    for line in open(path, encoding="utf-8"):
        event = json.loads(line)
        attributes, at = event["Actor"]["Attributes"], event["timeNano"] / 1e9
        name = attributes["name"]
        services.setdefault(name, attributes["com.docker.compose.service"])
        if event["Action"] == "start":
            started.setdefault(name, at)
        elif event["Action"] == "health_status: healthy":
            healthy.setdefault(name, at - started[name])
    return services, healthy


def read_samples(path):
    """Returns the peak of each container in each phase, and its limit."""
    used, limits = {}, {}
    for line in open(path, encoding="utf-8"):
        fields = line.split()
        # A container that has just exited has no figures.
        if len(fields) != 5 or fields[2] == "--":
            continue
        phase, name, amount, _, limit = fields
        used[name, phase] = max(used.get((name, phase), 0), mib(amount))
        limits[name] = mib(limit)
    return used, limits


def main():
    services, healthy = read_events(sys.argv[1])
    used, limits = read_samples(sys.argv[2])
    print("| container | start to healthy, s | idle, MiB | peak under load, MiB | limit, MiB |")
    print("| --- | --- | --- | --- | --- |")
    for name, service in services.items():
        if name not in healthy:
            continue
        cells = [used.get((name, "idle")), used.get((name, "load")), limits.get(name)]
        shown = ["-" if cell is None else f"{cell:.0f}" for cell in cells]
        print("|", " | ".join([service, f"{healthy[name]:.1f}", *shown]), "|")


main()
