"""How servers are reached: the environment says so, in the variables of the command line."""

import os
from typing import Any

import runlet


def _access() -> dict[str, Any]:
    named = {
        "ca": os.environ.get("RUNLET_CA"),
        "cert": os.environ.get("RUNLET_CERT"),
        "key": os.environ.get("RUNLET_KEY"),
        "server_name": os.environ.get("RUNLET_SERVER_NAME"),
    }
    path = os.environ.get("RUNLET_TOKEN_FILE")
    return {
        "tls": runlet.Tls(**named) if any(named.values()) else None,
        "token": runlet.token_file(path) if path else os.environ.get("RUNLET_TOKEN"),
    }


ACCESS = _access()
"""Arguments of `connect` and `open_channel`."""
