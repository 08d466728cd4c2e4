"""A TLS server in a process of its own: it throws bodies away and says that all is well.

Called with the file of its certificate and key; prints its port.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading

BUFFER = 1024 * 1024
BODY = b'{"code":0,"msg":"success","data":{"runningCount":0,"queuedCount":0}}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def serve(line: ssl.SSLSocket) -> None:
    buffer = memoryview(bytearray(BUFFER))
    try:
        line.do_handshake()
        while head := read_head(line):
            length = 0
            for row in head[0].decode("latin-1").splitlines():
                name, _, value = row.partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            left = length - len(head[1])
            while left > 0:
                received = line.recv_into(buffer[: min(left, BUFFER)])
                if not received:
                    return
                left -= received
            line.sendall(REPLY % (len(BODY), BODY))
    except OSError:
        pass  # the client left
    finally:
        line.close()


def read_head(line: ssl.SSLSocket) -> tuple[bytes, bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        block = line.recv(65536)
        if not block:
            return None
        data += block
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def main() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1])
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            line = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=serve, args=(line,), daemon=True).start()


if __name__ == "__main__":
    main()
