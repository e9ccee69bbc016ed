import asyncio
import socket

import uvicorn

seen = []

ANSWERS = {
    "/empty": (204, [], [b""]),
    "/error": (500, [], [b"it failed"]),
    "/chunked": (200, [], [b"one", b"two"]),
    "/large": (200, [], [b"x" * 200_000]),
    "/close": (200, [(b"connection", b"close")], [b"bye"]),
}


async def function(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    path = scope["path"]
    if path == "/seen":
        status, headers, parts = 200, [], ["\n".join(seen).encode()]
    else:
        seen.append(body.decode())
        status, headers, parts = ANSWERS.get(path, (200, [], [b"ok"]))
    if len(parts) == 1 and status != 204:
        headers = [*headers, (b"content-length", str(len(parts[0])).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(128)
print(f"port {listener.getsockname()[1]}", flush=True)
config = uvicorn.Config(function, log_level="critical", http="h11", timeout_keep_alive=2)
asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
