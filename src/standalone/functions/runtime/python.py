"""The process of one Python function: an HTTP server around handler(event, context).

Started by the runner with its settings (contract.ts) as one JSON argument; says its port on descriptor 3; ends when its
standard input closes, so it never outlives a gateway that was killed. Standard library only.
"""

import importlib.util
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPORT_FD = 3
DRAIN_AFTER_TIMEOUT_S = 1.0
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 408: "Request Timeout", 413: "Payload Too Large",
           500: "Internal Server Error"}
LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")

settings = json.loads(sys.argv[1])


def load_handler():
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(settings["file"]))[0], settings["file"])
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = getattr(module, settings["handler"], None)
    if not callable(found):
        sys.exit('the code does not define a function named "%s"' % settings["handler"])
    return found


class Calls:
    """The calls in flight, oldest first. Whoever takes a call out answers it: the handler's thread or the watchdog.

    A thread cannot be stopped from outside. So a call that outlives its timeout is answered 408 by the watchdog, and
    the process leaves as soon as the other calls are answered, at the latest a second later; the runner starts it anew.
    """

    def __init__(self, timeout_s):
        self.timeout_s = timeout_s
        self.open = {}  # insertion order is order of deadlines: all calls have the same timeout
        self.changed = threading.Condition()
        self.exit_code = None

    def begin(self, call):
        with self.changed:
            self.open[call] = time.monotonic() + self.timeout_s

    def take(self, call):
        """True for the one who may answer."""
        with self.changed:
            return self.open.pop(call, None) is not None

    def drain(self, code):
        with self.changed:
            self.exit_code = code if self.exit_code is None else self.exit_code
            self.changed.notify_all()

    def watch(self):
        while True:
            with self.changed:
                oldest, deadline = next(iter(self.open.items()), (None, time.monotonic() + self.timeout_s))
                late = deadline - time.monotonic()
                if late > 0:
                    self.changed.wait(min(late, 1.0))
                    continue
                if self.open.pop(oldest, None) is None:
                    continue
            print("the handler ran longer than its timeout of %g s" % self.timeout_s, file=sys.stderr, flush=True)
            if oldest.called is not None:
                counts.add(oldest.command, time.monotonic() - oldest.called, True)
            oldest.answer_from_outside(408)
            self.drain(1)


class Counts:
    """Calls by HTTP method since the process began, as GET /metrics tells them: Kubeless' names, Prometheus' buckets."""

    BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

    def __init__(self):
        self.lock = threading.Lock()
        self.methods = {}

    def add(self, method, seconds, failed):
        with self.lock:
            (calls, total, buckets), failures = self.methods.get(method, ((0, 0.0, [0] * len(self.BUCKETS)), 0))
            buckets = [count + (seconds <= bound) for count, bound in zip(buckets, self.BUCKETS)]
            self.methods[method] = ((calls + 1, total + seconds, buckets), failures + failed)

    def text(self):
        with self.lock:
            methods = dict(self.methods)
        lines = ["# TYPE function_duration_seconds histogram"]
        for method, ((calls, total, buckets), _) in methods.items():
            name, label = "function_duration_seconds", 'method="%s"' % method
            lines += ['%s_bucket{%s,le="%s"} %d' % (name, label, le, n) for le, n in zip(self.BUCKETS, buckets)]
            lines += ['%s_bucket{%s,le="+Inf"} %d' % (name, label, calls), "%s_sum{%s} %s" % (name, label, total),
                      "%s_count{%s} %d" % (name, label, calls)]
        lines += ["# TYPE function_calls_total counter"]
        lines += ['function_calls_total{method="%s"} %d' % (method, durations[0]) for method, (durations, _) in methods.items()]
        lines += ["# TYPE function_failures_total counter"]
        lines += ['function_failures_total{method="%s"} %d' % (method, failures) for method, (_, failures) in methods.items()]
        return "\n".join(lines) + "\n"


class FunctionServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass  # the gateway went away in the middle of a request


class Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one segment

    def serve(self):
        self.status, self.content_type, self.called = 200, None, None
        calls.begin(self)
        body = self.respond()
        if not calls.take(self):
            self.close_connection = True
            return  # the watchdog has answered
        if self.called is not None:
            counts.add(self.command, time.monotonic() - self.called, self.status == 500)
        self.write(self.status, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve

    def respond(self):
        if not LOCAL_HOST.fullmatch(self.headers.get("host", "localhost")):
            return self.refuse(403, "Forbidden")
        if self.path == "/healthz":
            return b"OK"
        if self.path == "/metrics":
            return counts.text().encode()
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdigit():
            return self.refuse(400, "A body needs a Content-Length")
        if int(length) > settings["maxBodyBytes"]:
            return self.refuse(413, "Payload Too Large")
        data = self.rfile.read(int(length))
        if self.headers.get_content_type() == "application/json" and data:
            try:
                data = json.loads(data)
            except ValueError:
                return self.refuse(400, "The body is not valid JSON", keep=True)
        return self.call(data)

    def call(self, data):
        event = {name: self.headers.get(name) for name in ("event-id", "event-type", "event-time", "event-namespace")}
        event.update(data=data, extensions={"request": self})
        self.called = time.monotonic()
        try:
            return self.encode(handler(event, settings["context"]))
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            return self.refuse(500, "Internal Server Error", keep=True)

    def encode(self, value):
        """Text and bytes as they are, None as an empty body, the rest as JSON."""
        if value is None:
            return b""
        if isinstance(value, (bytes, bytearray)):
            return bytes(value)
        if isinstance(value, str):
            return value.encode()
        self.content_type = "application/json"
        return json.dumps(value).encode()

    def refuse(self, status, sentence, keep=False):
        self.status = status
        self.close_connection = self.close_connection or not keep
        return sentence.encode()

    def write(self, status, body):
        self.close_connection = self.close_connection or calls.exit_code is not None
        self.wfile.write(head(status, len(body), self.content_type, self.close_connection))
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def answer_from_outside(self, status):
        body = REASONS[status].encode()
        try:
            self.connection.sendall(head(status, len(body), None, True) + body)
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # nobody is waiting any more

    def log_message(self, format, *args):
        pass


def head(status, length, content_type, close):
    lines = ["HTTP/1.1 %d %s" % (status, REASONS[status]), "Content-Length: %d" % length]
    if content_type:
        lines.append("Content-Type: " + content_type)
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def listen():
    try:
        return FunctionServer(("127.0.0.1", settings["port"]), Call)
    except OSError:
        return FunctionServer(("127.0.0.1", 0), Call)


def end_with_gateway():
    """The runner makes every function the leader of a process group: what the function started goes with it."""
    while os.read(0, 4096):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def leave(server):
    server.socket.close()
    deadline = time.monotonic() + DRAIN_AFTER_TIMEOUT_S
    while calls.open and (calls.exit_code == 0 or time.monotonic() < deadline):
        time.sleep(0.01)
    sys.stdout.flush()
    os._exit(calls.exit_code)


def start(target, *arguments):
    threading.Thread(target=target, args=arguments, daemon=True).start()


signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; only the gateway stops a function
start(end_with_gateway)
os.set_inheritable(REPORT_FD, False)
handler = load_handler()
calls = Calls(settings["timeoutMs"] / 1000)
counts = Counts()
server = listen()
signal.signal(signal.SIGTERM, lambda *_: start(calls.drain, 0))
start(calls.watch)
start(server.serve_forever)
os.write(REPORT_FD, (json.dumps({"port": server.server_address[1]}) + "\n").encode())
os.close(REPORT_FD)
while calls.exit_code is None:
    with calls.changed:
        calls.changed.wait()
leave(server)
