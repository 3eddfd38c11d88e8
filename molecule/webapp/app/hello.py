"""The smallest application that shows what the role does for one."""

import json
import os
import pathlib
import time
import urllib.parse

VERSION = 1


def application(environ, start_response):
    path = environ["PATH_INFO"]
    query = urllib.parse.parse_qs(environ["QUERY_STRING"])
    status, body = "200 OK", {"version": VERSION, "node": os.environ["HELLO_NODE"], "process": os.getppid()}
    if path == "/ready" and "HELLO_BROKEN" in os.environ:
        status, body = os.environ["HELLO_BROKEN"], {"cause": "told to be broken"}
        print("not ready: told to be broken", flush=True)
    elif path == "/slow":
        time.sleep(float(query["seconds"][0]))
    elif path == "/environment":
        body = {name: value for name, value in os.environ.items() if name.startswith("HELLO_")}
    elif path == "/write":
        body = {}
        for place in query["path"]:
            try:
                pathlib.Path(place).touch()
                body[place] = "written"
            except OSError as error:
                body[place] = error.strerror
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
