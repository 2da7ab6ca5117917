"""Measure who hears it: `python probes < cells.jsonl > observations.jsonl`.

Standard library only, Python 3.9 or newer, Linux, macOS, the BSDs, Solaris and Windows. Nothing is sent
outside loopback and the lab's own namespaces unless --allow-lan is given.
"""

from __future__ import annotations

# Where to look, from the outside in (a test keeps this complete):
#   the protocol             filter digest
#   the lab                  lab layouts veth namespaces netlink addresses interfaces symbols groups
#   what cells are made of   cells trials programs operations memberships voices resolver options opcodes
#   leading the roles        conductor batches allotment controls crew speech stages limits counters
#   one role, a process      process nursery frames role drain talk acts sockets datagrams facts place
#   what is on the wire      sender payload
#   this system              platforms errnos proc checkup
import argparse
import os
import sys


def main() -> int:
    """Run a role or the filter. Returns 0, or 2 with one line on stderr when there is no lab."""
    parser = argparse.ArgumentParser(prog="probes", description=__doc__)
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--nursery", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--lab", choices=("auto", "private", "host"), default="auto")
    parser.add_argument("--layout", default="plain", help="which network: plain, hosts-3, ...")
    parser.add_argument("--allow-lan", action="store_true", help="allow packets on a real interface")
    parser.add_argument("--grace", type=float, help="seconds to wait after the fence")
    parser.add_argument("--fresh", action="store_true", help="new processes for every cell")
    parser.add_argument("--source-ports", type=int, help="send from exactly so many source ports")
    parser.add_argument("--window", type=int, help="datagrams a socket is sent before it is drained")
    parser.add_argument("--share", default="0/1", help="index/count of the probes in this lab")
    parser.add_argument("--doctor", action="store_true", help="say what can be measured here")
    arguments = parser.parse_args()

    if arguments.nursery is not None:
        import nursery

        nursery.main(arguments.nursery)
        return 0
    if arguments.role:
        import role

        role.main()
        return 0

    import lab as labs  # enters namespaces: before any thread is started

    if arguments.doctor:
        import json

        import checkup

        print(json.dumps(checkup.check()))
        return 0
    import conductor
    import filter as probe_filter
    import limits

    index, _, count = arguments.share.partition("/")
    most = limits.MOST_SOURCE_PORTS
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        parser.error("--share is index/count, such as 0/2")
    if arguments.source_ports is not None and not 1 <= arguments.source_ports <= most:
        parser.error(f"--source-ports is a number from 1 to {most}")
    if arguments.layout not in labs.LAYOUTS:
        parser.error(f"--layout is one of {', '.join(labs.LAYOUTS)}")
    try:
        lab = labs.enter(arguments.lab, layout=arguments.layout, allow_lan=arguments.allow_lan)
        leader = conductor.Conductor(
            lab,
            conductor.Settings(
                grace=lab.grace if arguments.grace is None else arguments.grace,
                fresh=arguments.fresh,
                ports=arguments.source_ports,
                window=arguments.window or limits.WINDOW,
                share=(int(index), int(count)),
            ),
            cpu=_cpu(int(index)),
        )
    except labs.LabError as error:
        print(f"probes: {error}", file=sys.stderr)
        return 2
    try:
        probe_filter.serve(sys.stdin, sys.stdout, lab, leader)
        sys.stdout.flush()
    except probe_filter.BadRequest as error:
        print(f"probes: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads: leave quietly
    finally:
        leader.leave()
    return 0


def _cpu(index: int) -> int | None:
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[index % len(allowed)]


if __name__ == "__main__":
    sys.exit(main())
