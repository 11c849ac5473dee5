"""Responds to every request with its body, in one write, so that a response is never partial.

The first NOT_READY requests for /ready get 503.
"""
import itertools
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


READY_REQUESTS = itertools.count()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        task = os.environ["MESOS_TASK_ID"]
        early = self.path == "/ready" and next(READY_REQUESTS) < int(os.environ.get("NOT_READY", 0))
        status = "503 Service Unavailable" if early else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nX-Task: {task}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


print("pid", os.getpid(), flush=True)
Server((os.environ["HOST"], int(os.environ["PORT0"])), Echo).serve_forever()
