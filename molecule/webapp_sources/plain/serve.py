"""An application as many are: modules in a folder, a requirements.txt, and no packaging."""

import os
import subprocess
import threading

from flask import Flask, jsonify

application = Flask(__name__)
# what must not be forked after it was imported
TICKS = threading.Event()
threading.Thread(target=TICKS.set, daemon=True).start()


@application.get("/")
def answer():
    return jsonify(
        greeting=os.environ["PLAIN_GREETING"],
        imported_by=IMPORTED_BY,
        answered_by=os.getpid(),
        jq=subprocess.run(["jq", "--version"], capture_output=True, text=True, check=True).stdout.strip(),
    )


IMPORTED_BY = os.getpid()
