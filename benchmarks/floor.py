"""The floor: the system calls of the cells in one process, in batches, and nothing else.

Prints cells per second.
"""

from __future__ import annotations

import socket
import time

import steps

BATCH = 200
FIRST_PORT = 20_000


def main() -> None:
    """Do the work of standard input."""
    cells, repeat, ports = steps.read()
    senders = []
    for port in range(ports):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.bind(("0.0.0.0", FIRST_PORT - 1 - port))  # noqa: S104 - inside the lab
        senders.append(sender)
    started = time.perf_counter()
    heard = 0
    for _ in range(repeat):
        for first in range(0, len(cells), BATCH):
            heard += batch(cells[first : first + BATCH], senders)
    elapsed = time.perf_counter() - started
    assert heard
    print(repeat * len(cells) / elapsed)


def batch(cells: list[steps.Work], senders: list[socket.socket]) -> int:
    """Open, send, read until empty, close; return the datagrams heard."""
    opened = []
    for port, cell in enumerate(cells, FIRST_PORT):
        for options, address in cell.receivers:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            for option in options:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            sock.bind((address, port))
            opened.append(sock)
    for port, cell in enumerate(cells, FIRST_PORT):
        target = (cell.destination, port)
        for sender in senders:
            for _ in range(steps.SEQUENCES):
                sender.sendto(b"fifteen bytes..", target)
    heard = 0
    for sock in opened:
        while True:
            try:
                sock.recv(64)
            except BlockingIOError:
                break
            heard += 1
    for sock in opened:
        sock.close()
    return heard


if __name__ == "__main__":
    main()
