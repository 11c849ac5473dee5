"""Compares the response of POST /weather with the simulator's truth: SERVER SIMULATOR HOURS.

Waits until that many hours of the simulator's clock are over, and then until the response equals the truth, because
recent records may still be in flight. Exits 1 at the timeout.
"""

import json
import sys
import time
import urllib.parse
import urllib.request

TIMEOUT_S = 120
# In classes. Whether each row equals the truth is what `moodvane verify` checks.
MAX_FEELING_DIFFERENCE = 0.6
# No proxy for loopback, whatever the environment says.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def request_json(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with OPENER.open(request, timeout=10) as response:
        return json.load(response)


def expected(truth):
    """Posts, mean class and temperature of each complete hour that has posts and a temperature."""
    hours = {}
    for hour in truth["hours"]:
        sources = [source for source in hour["temperature"] if source["count"]]
        if hour["hour"] > truth["through"] or not hour["posts"] or not sources:
            continue
        means = [source["sum_micros"] / source["count"] / 1e6 for source in sources]
        feeling = hour["class_sum"] / hour["posts"]
        hours[hour["hour"]] = (hour["posts"], feeling, sum(means) / len(means))
    return hours


def differences(answer, posts, truth):
    got = {
        hour["hourSlot"]: (posts.get(hour["hourSlot"]), hour["feeling"], hour["temperature"])
        for hour in answer["res"]
    }
    for slot in sorted(got.keys() | truth.keys()):
        if slot not in got or slot not in truth or not is_equal(got[slot], truth[slot]):
            yield f"{slot}: got {got.get(slot)}, expected {truth.get(slot)}"


def is_equal(got, truth):
    """The feeling is estimated from the scores, so it is near the mean class; temperatures have two decimals."""
    near, same = abs(got[1] - truth[1]) <= MAX_FEELING_DIFFERENCE, abs(got[2] - truth[2]) <= 0.005 + 1e-9
    return got[0] == truth[0] and near and same


def stored_posts(server, right):
    """The number of scored posts of each stored hour."""
    query = urllib.parse.urlencode({"begin": min(right).replace(" ", "T"), "end": max(right).replace(" ", "T")})
    hours = request_json(f"{server}/v1/hours?{query}")["hours"]
    return {hour["hour"][:13].replace("T", " "): hour["posts"] for hour in hours}


def compare(server, right):
    """Returns the response for the hours, and its differences from the truth."""
    try:
        answer = request_json(f"{server}/weather", {"begin": min(right), "end": max(right)})
        posts = stored_posts(server, right)
    except OSError as error:
        return None, [f"{server}: {error}"]
    return answer, list(differences(answer, posts, right))


def main():
    server, simulator, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        truth = request_json(f"{simulator}/truth")
        right = expected(truth) if truth["through"] else {}
        if len(right) >= wanted:
            answer, wrong = compare(server, right)
            if not wrong:
                break
        else:
            wrong = [f"{len(right)} hours are over, waiting for {wanted}"]
        if time.monotonic() > deadline:
            sys.exit("\n".join(wrong))
        time.sleep(0.2)
    for hour in answer["res"]:
        print(f"  {hour['hourSlot']}  feeling {hour['feeling']:.2f}  {hour['temperature']:6.2f} °C")


main()
