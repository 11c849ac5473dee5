"""Kills containers at random, the next once all is healthy and ready again: MARATHON GROUP NAME SECONDS SEED [APP].

MARATHON is a `fleet local`, which tells of readiness at any time. NAME is the one of `fleet local`, with which the containers' names begin. At least one is killed, of that app
where one is named. It gets SIGKILL by the engine, as if the machine's memory had run out. Prints a line for each,
and then a table. Ends with 1 where something does not become healthy within two minutes.
"""

import json
import random
import subprocess
import sys
import time
import urllib.request

PATIENCE_S = 120
PACE_S = 0.1
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url):
    with OPENER.open(url, timeout=10) as answer:
        return json.load(answer)


def apps(marathon, group):
    every = ask(f"{marathon}/v2/apps?embed=apps.tasks&embed=apps.deployments&embed=apps.readiness")["apps"]
    return [app for app in every if app["id"].startswith(f"{group}/")]


def unhealthy(app):
    ready = {result["taskId"] for result in app.get("readinessCheckResults", []) if result["ready"]}
    asked = bool(app.get("readinessChecks"))
    good = [task for task in app["tasks"] if is_healthy(task) and (task["id"] in ready or not asked)]
    return len(good) != app["instances"] or bool(app["deployments"])


def is_healthy(task):
    results = task.get("healthCheckResults", [])
    return task["state"] == "TASK_RUNNING" and bool(results) and all(result["alive"] for result in results)


def until_healthy(marathon, group, gone=None):
    """Waits until all is healthy and ready, and the task that is gone is told of no more. Gives what runs."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        there = apps(marathon, group)
        waiting = [app["id"] for app in there if unhealthy(app)]
        tasks = [task for app in there for task in app["tasks"]]
        if not waiting and all(task["id"] != gone for task in tasks):
            return tasks
        if time.monotonic() > deadline:
            sys.exit(f"not healthy after {PATIENCE_S} s: {', '.join(waiting) or gone}")
        time.sleep(PACE_S)


def main():
    marathon, group, prefix, seconds, seed, *only = sys.argv[1:]
    draw = random.Random(int(seed))
    until = time.monotonic() + float(seconds)
    times = {}
    tasks = until_healthy(marathon, group)
    while not times or time.monotonic() < until:
        # First the app, so that those with several instances are not favoured.
        names = {task["appId"] for task in tasks if not only or task["appId"].endswith(f"/{only[0]}")}
        chosen = draw.choice(sorted(names))
        victim = draw.choice([task for task in tasks if task["appId"] == chosen])
        began = time.monotonic()
        container = f"{prefix}-{victim['id']}"
        subprocess.run(["docker", "kill", "--signal", "KILL", container], check=True, capture_output=True)
        tasks = until_healthy(marathon, group, victim["id"])
        took = time.monotonic() - began
        name = chosen.rsplit("/", 1)[-1]
        times.setdefault(name, []).append(took)
        print(f"  {time.strftime('%H:%M:%S')} {name} was killed; all was healthy {took:.1f} s later", flush=True)
    print("| app | kills | mean until all is healthy, s | most, s |")
    print("| --- | --- | --- | --- |")
    for name, all_of in sorted(times.items()):
        print(f"| {name} | {len(all_of)} | {sum(all_of) / len(all_of):.1f} | {max(all_of):.1f} |")


main()
