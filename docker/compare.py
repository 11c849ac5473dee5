"""Compares what POST /weather answers with what the simulator knows: SERVER SIMULATOR HOURS.

Waits until so many hours of the simulator's clock are over, and then until the answer is right: what was
just delivered may still be on its way. Ends with 1 where it does not become right.
"""

import json
import sys
import time
import urllib.request

PATIENCE_S = 120
# Nothing between us and loopback, whatever the environment says.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with OPENER.open(request, timeout=10) as answer:
        return json.load(answer)


def expected(truth):
    """Feeling and temperature of each hour that is over and has both."""
    hours = {}
    for hour in truth["hours"]:
        sources = [source for source in hour["temperature"] if source["count"]]
        if hour["hour"] > truth["through"] or not hour["posts"] or not sources:
            continue
        means = [source["sum_micros"] / source["count"] / 1e6 for source in sources]
        hours[hour["hour"]] = (hour["class_sum"] / hour["posts"], sum(means) / len(means))
    return hours


def differences(answer, truth):
    got = {hour["hourSlot"]: (hour["feeling"], hour["temperature"]) for hour in answer["res"]}
    for slot in sorted(got.keys() | truth.keys()):
        if slot not in got or slot not in truth:
            yield f"{slot}: {got.get(slot)} is answered, {truth.get(slot)} is true"
        # Two decimals are answered.
        elif any(abs(a - b) > 0.005 + 1e-9 for a, b in zip(got[slot], truth[slot])):
            yield f"{slot}: {got[slot]} is answered, {truth[slot]} is true"


def answer_of(server, right):
    """What is answered for the hours, and what is wrong with it."""
    try:
        answer = ask(f"{server}/weather", {"begin": min(right), "end": max(right)})
    except OSError as error:
        return None, [f"POST /weather: {error}"]
    return answer, list(differences(answer, right))


def main():
    server, simulator, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    deadline = time.monotonic() + PATIENCE_S
    while True:
        truth = ask(f"{simulator}/truth")
        right = expected(truth) if truth["through"] else {}
        if len(right) >= wanted:
            answer, wrong = answer_of(server, right)
            if not wrong:
                break
        else:
            wrong = [f"{len(right)} hours are over, {wanted} are wanted"]
        if time.monotonic() > deadline:
            sys.exit("\n".join(wrong))
        time.sleep(0.2)
    for hour in answer["res"]:
        print(f"  {hour['hourSlot']}  feeling {hour['feeling']:.2f}  {hour['temperature']:6.2f} °C")


main()
