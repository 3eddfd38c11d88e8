"""A release command: once for each version, and it says whether there was something to do."""

import os
import pathlib
import sys

import hello

ledger = pathlib.Path(os.environ["HELLO_LEDGER"])
done = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
wanted = f"version {hello.VERSION}"
if wanted in done:
    print("unchanged")
else:
    if "--check" not in sys.argv:
        ledger.write_text("\n".join([*done, wanted]) + "\n", encoding="utf-8")
    print("changed")
