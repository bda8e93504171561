"""Slots for work, handed out fairly: how much one user or address asks for delays only its own requests."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

Turn = asyncio.Future[None]

#: Slots that one group holds at most; never more than half of them.
MOST = 2


class Share(NamedTuple):
    """On whose account a piece of work is done."""

    #: A user, or an address: groups take turns, and none holds more than `MOST` slots.
    group: str
    #: Within the group, such as a browser at an address: members take turns, too.
    member: str = ""


class FairLine:
    """Slots, and the shares that wait for one.

    The next slot is for the group that holds the fewest; of several such, for the one that was served least recently.
    No group holds more than `MOST` slots, nor more than half of them, rounded up: work that hangs, on a locked row say,
    leaves the rest free, and work that takes much of the processor shares it with that of others.
    """

    def __init__(self, slots: int, *, may_begin: Callable[[str], bool] = lambda group: True) -> None:
        """Create the line with all slots free.

        Args:
            may_begin: returns whether a group may have one more slot now; `hand_out` asks it again.
        """
        self._free = slots
        self._most = min(MOST, slots - slots // 2)
        self._may_begin = may_begin
        self._held: Counter[str] = Counter()
        #: Groups and their members, those served least recently first.
        self._waiting: dict[str, dict[str, deque[Turn]]] = {}
        self._lengths: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many wait."""
        return self._lengths.total()

    def length_of(self, group: str) -> int:
        """Return how many of this group wait."""
        return self._lengths[group]

    def is_open(self, group: str) -> bool:
        """Return whether the group would get a slot at once."""
        return self._free > 0 and self._held[group] < self._most and self._may_begin(group)

    def take(self, share: Share) -> bool:
        """Take a slot if one is open."""
        if not self.is_open(share.group):
            return False
        self._hold(share.group)
        return True

    def wait(self, share: Share) -> Turn:
        """Line up; the future is done once the share holds a slot. `leave` must follow if it is not waited for."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(share.group, {}).setdefault(share.member, deque()).append(turn)
        self._lengths[share.group] += 1
        return turn

    def leave(self, share: Share, turn: Turn) -> None:
        """Give up a turn, whether or not it has come."""
        if turn.done():
            self.pass_on(share)
        else:
            self._waiting[share.group][share.member].remove(turn)
            self._note_removal(share)

    def pass_on(self, share: Share) -> None:
        """Give a slot back: the work is done."""
        self._free += 1
        self._held[share.group] -= 1
        if not self._held[share.group]:
            del self._held[share.group]
        self._send_to_end(share)
        self.hand_out()

    def hand_out(self) -> None:
        """Give the free slots to the waiting members that may have one."""
        while self._free and (group := self._next_group()) is not None:
            member, turns = next(iter(self._waiting[group].items()))
            turn = turns.popleft()
            self._send_to_end(Share(group, member))
            self._note_removal(Share(group, member))
            self._hold(group)
            turn.set_result(None)

    def _next_group(self) -> str | None:
        found = None
        for group in self._waiting:
            held = self._held[group]
            if held < self._most and (found is None or held < self._held[found]) and self._may_begin(group):
                found = group
                if not held:
                    break
        return found

    def _send_to_end(self, share: Share) -> None:
        """Move a group and its member to the end: the others are served first now."""
        if (members := self._waiting.pop(share.group, None)) is not None:
            self._waiting[share.group] = members
            if (turns := members.pop(share.member, None)) is not None:
                members[share.member] = turns

    def _hold(self, group: str) -> None:
        self._free -= 1
        self._held[group] += 1

    def _note_removal(self, share: Share) -> None:
        self._lengths[share.group] -= 1
        members = self._waiting[share.group]
        if not members[share.member]:
            del members[share.member]
        if not members:
            del self._waiting[share.group], self._lengths[share.group]
