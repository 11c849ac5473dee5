"""Sends POST /weather through the load balancer at a constant rate until SIGTERM: URL BEGIN END RATE.

The load is open-loop: requests are sent at their scheduled times, whatever the state of earlier ones. Every second
request uses a new connection; the others use keep-alive connections, and reconnect if the server closed an idle one,
as every client does. A request succeeds with status 200 and a non-empty list of hours. At SIGTERM the script prints a
summary, and exits 1 if a request failed or none was sent.
"""

import http.client
import itertools
import json
import signal
import sys
import threading
import time
import urllib.parse

WORKERS = 32
TIMEOUT_S = 15
ERRORS_SHOWN = 10


class Load:
    def __init__(self, url, begin, end, rate):
        place = urllib.parse.urlsplit(url)
        self.address = (place.hostname, place.port)
        self.body = json.dumps({"begin": begin, "end": end})
        self.rate = rate
        self.numbers = itertools.count()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.times, self.errors, self.reconnected = [], [], 0
        self.last_good, self.gap = None, 0.0

    def connection(self):
        return http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)

    def send(self, connection, close):
        headers = {"content-type": "application/json"}
        if close:
            headers["connection"] = "close"
        connection.request("POST", "/weather", self.body, headers)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200 or not json.loads(content)["res"]:
            raise ValueError(f"{response.status}: {content[:200]!r}")

    def send_keep_alive(self, kept):
        was_used = kept.sock is not None
        try:
            return self.send(kept, close=False)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            kept.close()
            if not was_used:
                raise
        with self.lock:
            self.reconnected += 1
        return self.send(kept, close=False)

    def work(self, began):
        kept = self.connection()
        while True:
            # Atomic under the global interpreter lock.
            number = next(self.numbers)
            due = began + number / self.rate
            if self.over.wait(max(0.0, due - time.monotonic())):
                return
            try:
                if number % 2:
                    own = self.connection()
                    try:
                        self.send(own, close=True)
                    finally:
                        own.close()
                else:
                    self.send_keep_alive(kept)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                kept.close()
                with self.lock:
                    self.errors.append(f"{time.strftime('%H:%M:%S')} {type(error).__name__}: {error}")
                continue
            self.record_success(time.monotonic(), due)

    def record_success(self, now, due):
        with self.lock:
            self.times.append(now - due)
            self.gap = max(self.gap, now - (self.last_good or now))
            self.last_good = now

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: self.over.set())
        began = time.monotonic()
        workers = [threading.Thread(target=self.work, args=(began,)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        # A wait without a timeout would block the signal handler.
        while not self.over.wait(0.5):
            pass
        for worker in workers:
            worker.join()
        return self.report(time.monotonic() - began)

    def report(self, took):
        self.times.sort()
        count = len(self.times)
        for error in self.errors[:ERRORS_SHOWN]:
            print(f"load: {error}")
        if not count:
            sys.exit("load: no request succeeded")
        p50, p99 = (self.times[int(count * share)] for share in (0.5, 0.99))
        print(
            f"load: {count + len(self.errors)} requests in {took:.0f} s ({count / took:.0f} successes per second), "
            f"{len(self.errors)} failed; p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, max {self.times[-1] * 1e3:.0f} ms; "
            f"longest time without a success {self.gap * 1e3:.0f} ms; {self.reconnected} reconnects"
        )
        return 1 if self.errors else 0


def main():
    url, begin, end, rate = sys.argv[1:]
    sys.exit(Load(url, begin, end, float(rate)).run())


main()
