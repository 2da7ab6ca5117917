"""From the sockets that a datagram may reach to the words of a delivery (`sockmatrix.delivery`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Literal

    from sockmatrix.models.kernel import Balance, Socket
    from sockmatrix.models.linux_udp import Pick


def possibilities(hear: Callable[[Pick], tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Return every set of roles that a datagram may reach, by whatever the hashes pick.

    `hear` is played once for each combination of picks.
    """
    found: set[tuple[str, ...]] = set()
    plans: list[list[int]] = [[]]
    while plans:
        plan = plans.pop()
        made: list[int] = []

        def pick(_: Balance, members: list[Socket]) -> Socket:
            step = len(made)  # noqa: B023 - called before the next round
            if step < len(plan):  # noqa: B023
                made.append(plan[step])  # noqa: B023
            else:
                made.append(0)  # noqa: B023
                plans.extend([*made[:-1], other] for other in range(1, len(members)))  # noqa: B023
            return members[made[-1]]  # noqa: B023

        found.add(hear(pick))
    return found


def delivery(
    sets: Iterable[tuple[str, ...]],
    opened: Sequence[str],
    *,
    by: Literal["source port", "connection"] = "source port",
    control: Literal["", "silent"] = "",
) -> Delivery:
    """Return the delivery of many datagrams, each of which reached one of `sets`, all of them met.

    Amounts are not predicted: a socket that hears has 1 in `heard`.
    """
    met = {tuple(role for role in opened if role in one) for one in sets}
    heard = [role for role in opened if any(role in one for one in met)]
    amounts = dict.fromkeys(heard, 1)
    if not heard:
        return Delivery(word="none", control=control)
    if len(met) == 1:
        if len(heard) == len(opened):
            return Delivery(word="all")
        if len(heard) > 1:
            return Delivery(word="some", heard=amounts)
        return Delivery(word="one", heard=amounts, place=_place(heard[0], opened))
    if all(len(one) == 1 for one in met):
        return Delivery(word="spread", heard=amounts, by=by)
    always = tuple(role for role in heard if all(role in one for one in met)) or ()
    return Delivery(word="uneven", heard=amounts, always=always, unheard=() in met)


def _place(role: str, opened: Sequence[str]) -> Literal["first", "middle", "last"]:
    if role == opened[0]:
        return "first"
    return "last" if role == opened[-1] else "middle"
