"""A real kernel in a real virtual machine, where QEMU and a kernel in the cache are to be had."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sockmatrix import collect
from sockmatrix.measure import Lanes, Requests
from sockmatrix.selection import select
from sockmatrix.target import ProbeOptions
from sockmatrix.targets import kernels, qemu
from sockmatrix.targets.kernel import KernelTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.targets.kernels import Kernel

CELLS = "loopback-broadcast/dest:lobcast/A:any4.addr/B:any4.addr"
ON_THE_LINK = "sentinel/case:bc044e8db796-multicast-second-datagram"


def newest() -> Kernel:
    """Return the newest kernel there is with the modules of a link."""
    if shutil.which(qemu.PROGRAM) is None:
        pytest.skip(f"there is no {qemu.PROGRAM}: {qemu.HOW_TO_GET}")
    for kernel in kernels.cached(kernels.cache_directory()):
        if (kernel.module_directory / "veth.ko").exists():
            return kernel
    pytest.skip("there is no kernel with modules in the cache: `sockmatrix kernels fetch 6.12`")


@pytest.fixture(scope="module")
def target() -> Iterator[KernelTarget]:
    """Return a kernel target."""
    target = KernelTarget(newest())
    yield target
    target.close()


def test_a_kernel_in_a_guest(target: KernelTarget) -> None:
    """It boots, makes a lab with a link, and its sockets hear what those of a Linux kernel hear."""
    selection = select(["loopback-broadcast", "sentinel"], [CELLS, ON_THE_LINK])
    requests = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    with Lanes(requests, target, ProbeOptions(), 1, repeat=2, seed=1) as lanes:
        hello = lanes.start(["hosts-2"])
        found = {line.id: line for block in lanes.run(selection.cells) for line in collect.lines(block)}
    assert hello["platform"]["stack"] == "linux"
    assert hello["platform"]["privileges"] == "root"
    assert target.kernel.version.partition("-")[0] in hello["platform"]["build"]
    assert hello["target"]["accelerator"] in {"tcg", "kvm"}
    assert hello["lab"]["interfaces"]["link"]["kind"] == "veth"
    assert lanes.missing == {}
    assert lanes.labs["hosts-2"]["interfaces"]["link"]["kind"] == "veth"
    assert found[CELLS].word == "all"
    assert found[ON_THE_LINK].word == "all"
