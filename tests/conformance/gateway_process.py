"""Gateways as processes of their own, started for a test and waited for."""

import json
import os
import socket
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def sandbox_command(port, place):
    return [sys.executable, "-m", "orderloom.simulate.gateway", "--port", str(port), "--data", str(place)]


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def started(command, url, cwd):
    environment = os.environ | {"TMPDIR": str(cwd)}
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(1200):
        try:
            urlopen(url, timeout=30).close()
        except HTTPError:
            return process  # it answers, if only to refuse
        except OSError:
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            time.sleep(0.05)
        else:
            return process
    process.kill()
    raise AssertionError(f"{command} did not start")


def control(url, **settings):
    request = Request(f"{url}/control", json.dumps(settings).encode(), method="POST")
    urlopen(request, timeout=30).close()
