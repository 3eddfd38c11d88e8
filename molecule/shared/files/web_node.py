"""A web application's stand-in: answers with what it was asked, on port 8000.

In the query string: ``sleep=SECONDS`` before the answer, ``die=1`` closes without one, ``share=1`` lets everybody have
the answer until the present second ends, ``tag=TEXT`` gives it an ETag. The path of each request is appended to
/run/stand-in.log, and "known" to that of one that came with this ETag and gets a 304.
"""

import http.server
import json
import pathlib
import sys
import time
import urllib.parse

NAME = sys.argv[1]
LOG = pathlib.Path("/run/stand-in.log")


class Node(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        tag = f'"{asked["tag"][0]}"' if "tag" in asked else ""
        known = bool(tag) and self.headers.get("If-None-Match") == tag
        with LOG.open("a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path}{' known' if known else ''}\n")
        time.sleep(float(asked.get("sleep", ["0"])[0]))
        if "die" in asked:
            self.close_connection = True
            return
        body = json.dumps({"node": NAME, "path": self.path, "headers": dict(self.headers)}).encode()
        if known:
            body = b""
        self.send_response(304 if known else 200)
        if not known:
            self.send_header("Content-Length", str(len(body)))
        if tag:
            self.send_header("ETag", tag)
        if "share" in asked:
            self.send_header("X-Accel-Expires", f"@{int(time.time())}")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Set-Cookie", "mine=1")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        """Quiet."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


Server(("0.0.0.0", 8000), Node).serve_forever()
