"""Prints the peak memory of containers and their limits: NAME; reads lines of `docker stats` from standard input.

Each line is CONTAINER USED / LIMIT; the container's name is NAME, a dash, and the task of `fleet local`. Memory is as
reported by `docker stats`, without the page cache.
"""

import re
import sys

UNITS = {"B": 1 / 2**20, "KiB": 1 / 2**10, "MiB": 1, "GiB": 2**10}


def mib(text):
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", text).groups()
    return float(number) * UNITS[unit]


def main():
    # A task is GROUP_APP.instance-…
    task = re.compile(re.escape(sys.argv[1]) + r"-[^_]+_([a-z0-9-]+)\.instance-")
    most, limits = {}, {}
    for line in sys.stdin:
        fields = line.split()
        # A container that has just exited has no figures.
        if len(fields) != 4 or fields[3] in ("--", "0B") or not (found := task.match(fields[0])):
            continue
        app = found.group(1)
        most[app] = max(most.get(app, 0), mib(fields[1]))
        limits[app] = mib(fields[3])
    if not most:
        sys.exit("usage: no container in the input")
    print("| container | peak, MiB | limit, MiB | free |")
    print("| --- | ---: | ---: | ---: |")
    for app in sorted(most):
        print(f"| {app} | {most[app]:.0f} | {limits[app]:.0f} | {1 - most[app] / limits[app]:.0%} |")


main()
