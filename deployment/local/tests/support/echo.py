"""Answers every request with its body, in one write, so that an answer is whole or not there."""
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        task = os.environ["MESOS_TASK_ID"]
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nX-Task: {task}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


print("pid", os.getpid(), flush=True)
Server((os.environ["HOST"], int(os.environ["PORT0"])), Echo).serve_forever()
