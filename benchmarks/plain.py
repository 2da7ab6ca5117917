"""The plain script: fresh processes for every cell, and 100 ms of waiting for silence.

Prints cells per second.
"""

from __future__ import annotations

import subprocess
import sys
import time

import steps

PORT = 20_000
SILENCE = 0.1  # seconds

RECEIVER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for option in sys.argv[3:]:
    s.setsockopt(socket.SOL_SOCKET, int(option), 1)
s.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
s.settimeout({silence})
heard = 0
try:
    while True:
        s.recv(64)
        heard += 1
except TimeoutError:
    print(heard)
"""

SENDER = """
import socket, sys
for port in range(int(sys.argv[3])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    for _ in range({sequences}):
        s.sendto(b"fifteen bytes..", (sys.argv[1], int(sys.argv[2])))
"""


def main() -> None:
    """Do the work of standard input."""
    cells, repeat, ports = steps.read()
    started = time.perf_counter()
    heard = sum(measure(cell, ports) for _ in range(repeat) for cell in cells)
    elapsed = time.perf_counter() - started
    assert heard
    print(repeat * len(cells) / elapsed)


def measure(cell: steps.Work, ports: int) -> int:
    """Measure one cell; return the datagrams heard."""
    receiver = RECEIVER.format(silence=SILENCE)
    running = []
    for options, address in cell.receivers:
        command = [sys.executable, "-c", receiver, address, str(PORT), *map(str, options)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        running.append(child)
    sender = SENDER.format(sequences=steps.SEQUENCES)
    subprocess.run([sys.executable, "-c", sender, cell.destination, str(PORT), str(ports)], check=True)
    return sum(int(child.communicate()[0]) for child in running)


if __name__ == "__main__":
    main()
