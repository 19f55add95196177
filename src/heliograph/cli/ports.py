"""Whether a port is free, and whether a hub answers on it."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection, HTTPException


def why_not_free(host: str, port: int) -> str:
    """Why a server could not listen there; empty when it could."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return "no address of this name is known"
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # Connections that wait to be forgotten do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def answering_version(host: str, port: int) -> str:
    """The version of the hub that answers there; empty when none does."""
    connection = HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        body = json.loads(connection.getresponse().read())
        return str(body["version"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""
    finally:
        connection.close()
