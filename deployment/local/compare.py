#!/usr/bin/env python3
"""compare.py GOLDEN.jsonl OURS.jsonl DIFFERENCES.md: checks the differences of two transcripts against a list.

A difference is a line such as `status: 404 vs 500`, the golden side first. The list has it, indented by four spaces, under
a heading `## CALL`; a line that starts with `may ` is optional. Exits with 1 on a difference that is not listed, on a
listed one that is gone, and on a call that is missing.
"""
import json
import sys

FIELDS = ("status", "ctype", "deployment_header", "location", "leader_header")


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def differences(golden, ours):
    for field in FIELDS:
        if golden[field] != ours[field]:
            yield f"{field}: {golden[field]} vs {ours[field] or 'nothing'}"
    if (golden["keys"] is None) != (ours["keys"] is None):
        yield f"JSON: {golden['keys'] is not None} vs {ours['keys'] is not None}"
        return
    for key in sorted(set(golden["keys"] or []) - set(ours["keys"] or [])):
        yield f"missing {key}"
    for key in sorted(set(ours["keys"] or []) - set(golden["keys"] or [])):
        yield f"extra {key}"


def listed(path):
    calls, call = {}, None
    with open(path) as file:
        for line in file:
            if line.startswith("## "):
                call = line[3:].strip()
                calls.setdefault(call, set())
            elif line.startswith("    ") and call is not None:
                calls[call].add(line.strip())
    return calls


def main(golden_path, ours_path, list_path):
    ours = {call["name"]: call for call in read(ours_path)}
    expected = listed(list_path)
    wrong, total, differing = 0, 0, 0
    for golden in read(golden_path):
        name, total = golden["name"], total + 1
        lines = expected.pop(name, set())
        must = {line for line in lines if not line.startswith("may ")}
        may = {line[4:] for line in lines if line.startswith("may ")}
        if name not in ours:
            print(f"## {name}\n    the call is missing")
            wrong += 1
            continue
        found = set(differences(golden, ours[name]))
        differing += bool(found)
        unlisted, gone = sorted(found - must - may), sorted(must - found)
        if unlisted or gone:
            wrong += 1
            print(f"## {name}")
            for line in unlisted:
                print(f"    {line}")
            for line in gone:
                print(f"    no longer differs: {line}")
            print(f"    ours: {ours[name]['status']} {ours[name]['text'][:300]}")
    for name in expected:
        wrong += 1
        print(f"## {name}\n    listed, but not in the golden record")
    print(f"{total} calls, {differing} differ, {wrong} not as listed")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
