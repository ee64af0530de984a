"""The Procfile starts what it says, and each process says that it is well."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests import databases
from tests.ports import free_port


def lines():
    text = Path("Procfile").read_text(encoding="utf-8")
    return dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))


def well(url):
    for _ in range(300):
        try:
            answer = httpx.get(f"{url}/ready")
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        return answer.status_code, answer.json()["status"]
    return None


def test_each_process_starts_says_that_it_is_well_and_ends_when_told(tmp_path):
    ports = {"web": free_port(), "worker": free_port()}
    assert lines().keys() == ports.keys()
    with databases.empty(tmp_path) as url:
        env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PERENNIAL_DATABASE_URL": url,
            "PERENNIAL_SECRET_KEY": "s" * 40,
            "PORT": str(ports["web"]),
            "WORKER_PORT": str(ports["worker"]),
        }
        started = {
            name: subprocess.Popen(["bash", "-c", f"exec {command}"], env=env)
            for name, command in lines().items()
        }
        try:
            said = {name: well(f"http://127.0.0.1:{port}") for name, port in ports.items()}
            assert said == {"web": (200, "ready"), "worker": (200, "ready")}
            figures = httpx.get(f"http://127.0.0.1:{ports['worker']}/metrics").text
            assert 'perennial_stores_waiting{work="inbox"} 0.0' in figures
        finally:
            for process in started.values():
                process.send_signal(signal.SIGTERM)
        assert {name: process.wait(20) for name, process in started.items()} == {
            "web": 0,
            "worker": 0,
        }
