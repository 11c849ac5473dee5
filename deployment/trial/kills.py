"""Kills random containers, each once all are healthy and ready again: MARATHON GROUP NAME SECONDS SEED [APP].

MARATHON is a `fleet local`, which reports readiness at any time. NAME is its `--name`, the prefix of the containers'
names. Kills at least one container, only of APP if given, with SIGKILL through the engine, like the kernel's
out-of-memory killer. Prints a line per kill, then a table. Exits 1 if an app is not healthy within two minutes.
"""

import json
import random
import subprocess
import sys
import time
import urllib.request

TIMEOUT_S = 120
POLL_S = 0.1
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url):
    with OPENER.open(url, timeout=10) as response:
        return json.load(response)


def apps(marathon, group):
    every = get(f"{marathon}/v2/apps?embed=apps.tasks&embed=apps.deployments&embed=apps.readiness")["apps"]
    return [app for app in every if app["id"].startswith(f"{group}/")]


def unhealthy(app):
    ready = {result["taskId"] for result in app.get("readinessCheckResults", []) if result["ready"]}
    has_check = bool(app.get("readinessChecks"))
    good = [task for task in app["tasks"] if is_healthy(task) and (task["id"] in ready or not has_check)]
    return len(good) != app["instances"] or bool(app["deployments"])


def is_healthy(task):
    results = task.get("healthCheckResults", [])
    return task["state"] == "TASK_RUNNING" and bool(results) and all(result["alive"] for result in results)


def wait_until_healthy(marathon, group, killed=None):
    """Waits until all apps are healthy and ready and the killed task is not listed, and returns the tasks."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        listed = apps(marathon, group)
        waiting = [app["id"] for app in listed if unhealthy(app)]
        tasks = [task for app in listed for task in app["tasks"]]
        if not waiting and all(task["id"] != killed for task in tasks):
            return tasks
        if time.monotonic() > deadline:
            sys.exit(f"not healthy after {TIMEOUT_S} s: {', '.join(waiting) or killed}")
        time.sleep(POLL_S)


def main():
    marathon, group, prefix, seconds, seed, *only = sys.argv[1:]
    rng = random.Random(int(seed))
    until = time.monotonic() + float(seconds)
    times = {}
    tasks = wait_until_healthy(marathon, group)
    while not times or time.monotonic() < until:
        # Choose the app first, so that apps with several instances are not favoured.
        names = {task["appId"] for task in tasks if not only or task["appId"].endswith(f"/{only[0]}")}
        chosen = rng.choice(sorted(names))
        victim = rng.choice([task for task in tasks if task["appId"] == chosen])
        began = time.monotonic()
        container = f"{prefix}-{victim['id']}"
        subprocess.run(["docker", "kill", "--signal", "KILL", container], check=True, capture_output=True)
        tasks = wait_until_healthy(marathon, group, victim["id"])
        took = time.monotonic() - began
        name = chosen.rsplit("/", 1)[-1]
        times.setdefault(name, []).append(took)
        print(f"  {time.strftime('%H:%M:%S')} {name} killed; all healthy {took:.1f} s later", flush=True)
    print("| app | kills | mean until all healthy, s | max, s |")
    print("| --- | --- | --- | --- |")
    for name, all_of in sorted(times.items()):
        print(f"| {name} | {len(all_of)} | {sum(all_of) / len(all_of):.1f} | {max(all_of):.1f} |")


main()
