import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = []


class Function(BaseHTTPRequestHandler):
    protocol_version = sys.argv[1]
    timeout = 2

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if self.path == "/seen":
            return self.answer(200, "\n".join(seen).encode())
        seen.append(body)
        if self.path == "/empty":
            return self.answer(204, b"")
        if self.path == "/error":
            return self.answer(500, b"it failed")
        if self.path == "/chunked":
            return self.chunks([b"one", b"two"])
        if self.path == "/large":
            return self.answer(200, b"x" * 200_000)
        if self.path == "/close":
            return self.answer(200, b"bye", close=True)
        return self.answer(200, b"ok")

    def answer(self, status, body, close=False):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def chunks(self, chunks):
        if self.protocol_version == "HTTP/1.0":
            return self.answer(200, b"".join(chunks))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in [*chunks, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Function)
server.daemon_threads = True
print(f"port {server.server_address[1]}", flush=True)
server.serve_forever()
