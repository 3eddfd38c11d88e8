"""A database node's stand-in: on port 3306 it says its name, on port 9200 it answers as the health agent does.

What it is at the moment (source, replica, alive, several or none) stands in /run/stand-in.roles.
"""

import http.server
import pathlib
import socketserver
import ssl
import sys
import threading

NAME = sys.argv[1]
ROLES = pathlib.Path("/run/stand-in.roles")
TLS = pathlib.Path("/etc/inventario/tls")


class Agent(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if self.path.strip("/") in ROLES.read_text(encoding="utf-8").split() else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Quiet."""


class Database(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(NAME.encode())
        # hold the connection, as an application's pool does
        while self.request.recv(64):
            pass


class DatabaseServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class AgentServer(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """HAProxy resets the connection when it has its answer."""


if not ROLES.exists():
    ROLES.write_text(" ".join(sys.argv[2:]), encoding="utf-8")
threading.Thread(target=DatabaseServer(("0.0.0.0", 3306), Database).serve_forever, daemon=True).start()
agent = AgentServer(("0.0.0.0", 9200), Agent)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(TLS / "node.pem", TLS / "node.key")
agent.socket = context.wrap_socket(agent.socket, server_side=True)
agent.serve_forever()
