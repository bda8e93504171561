"""Slots go round among users and addresses: how much one of them asks for delays only themselves."""

from typing import Any

import pytest

from taskrealtime.engine.auth import shares
from taskrealtime.engine.db.fair_line import FairLine, Share, Turn


def come(line: FairLine, group: str, member: str = "") -> Turn | None:
    """Take a slot (None), or wait for one."""
    share = Share(group, member)
    return None if line.take(share) else line.wait(share)


async def test_anonymous_holds_more_than_two_slots_also_while_the_others_are_free() -> None:
    line = FairLine(8)
    assert [come(line, "eve") for _ in range(2)] == [None] * 2
    waiting = come(line, "eve")
    assert waiting is not None
    assert not waiting.done()
    assert [come(line, "ann"), come(line, "bob")] == [None] * 2
    line.pass_on(Share("ann"))
    assert not waiting.done(), "a slot of hers must end first"
    line.pass_on(Share("eve"))
    assert waiting.done()


async def test_a_single_slot_is_anybodys() -> None:
    line = FairLine(1)
    assert come(line, "eve") is None
    turn = come(line, "eve")
    line.pass_on(Share("eve"))
    assert turn is not None
    assert turn.done()


async def test_a_user_that_comes_after_a_hundred_of_another_is_next() -> None:
    line = FairLine(2)
    assert come(line, "eve") is None
    crowd = [come(line, "eve") for _ in range(100)]
    assert come(line, "ann") is None
    bob = come(line, "bob")
    line.pass_on(Share("eve"))
    assert bob is not None
    assert bob.done()
    assert not any(turn.done() for turn in crowd if turn)


async def test_members_of_a_group_take_turns() -> None:
    line = FairLine(1)
    assert come(line, "office", "eve") is None
    eve = [come(line, "office", "eve") for _ in range(50)]
    ann = come(line, "office", "ann")
    assert ann is not None
    line.pass_on(Share("office"))
    line.pass_on(Share("office"))
    assert ann.done()
    assert sum(turn.done() for turn in eve if turn) == 1


async def test_a_waiter_that_leaves_is_passed_over_and_holds_nothing() -> None:
    line = FairLine(1)
    assert come(line, "ann") is None
    gone, last = come(line, "bob"), come(line, "cas")
    assert gone is not None
    assert last is not None
    line.leave(Share("bob"), gone)
    assert len(line) == 1
    line.pass_on(Share("ann"))
    assert last.done()
    line.leave(Share("cas"), last)
    assert come(line, "dan") is None


# --- Whose share a request is ---------------------------------------------------------------


def scope(address: str = "203.0.113.7", **headers: str) -> dict[str, Any]:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": [address, 1], "headers": given}


def test_what_anonymous_proved_counts_for_the_address() -> None:
    anonymous = shares.share_of(scope())
    assert anonymous.group == shares.share_of(scope(authorization="Bearer x.y.z")).group
    assert anonymous.group == shares.share_of(scope(cookie="a=b; sessionid=made-up")).group
    assert anonymous.group != shares.share_of(scope("203.0.113.8")).group
    assert shares.share_of(scope("127.0.0.2")).group != shares.share_of(scope("127.0.0.3")).group


def test_a_session_that_was_found_to_be_a_users_counts_for_the_user_from_anywhere() -> None:
    shares.remember_session("known", 5)
    assert {shares.share_of(scope(peer, cookie="sessionid=known")).group for peer in ("203.0.113.7", "::1")} == {
        "user:5"
    }


@pytest.mark.parametrize(
    "body",
    [b'{"password": "x", "username": "Ann"}', b"csrfmiddlewaretoken=a&username=ann&password=b", b'{"username":"ANN"}'],
)
def test_sign_ins_of_an_address_take_turns_by_name(body: bytes) -> None:
    assert shares.share_of_sign_in(scope(), body) == Share("address:203.0.113.7", "ann")
