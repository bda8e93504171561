"""Live models in a project without the board: the engine and `taskrealtime.live`, below a prefix of the project's."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Connect
from tests.flows.test_live_rooms import Desk, fresh_desk, join, member
from tests.support.stacks import KINDS, Stack

PREFIX = "/tools/live"


class LiveOnlyStack(Stack):
    """An installation of that project."""

    application, probe = "tests.support.hosts.live_only_asgi:application", "/"


@pytest.fixture(params=KINDS, scope="module")
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from fresh_desk(request, "tests.support.hosts.live_only", LiveOnlyStack)


def test_the_reference_server_serves_a_project_that_names_no_application(desk: Desk, connect: Connect) -> None:
    server = desk.stack.server(serve=True)
    socket = connect(server, desk.ann)
    join(socket, desk.room)
    desk.write("Printer")
    assert socket.expect("record_created")["data"]["record"]["title"] == "Printer"
    assert server.api(desk.ann).get(f"{PREFIX}/rooms/{desk.room}/").status_code == 200
    assert server.stop() == 0


def test_a_row_that_is_written_in_sql_arrives(desk: Desk, connect: Connect) -> None:
    socket = connect(desk.server, desk.ann)
    joined = join(socket, desk.room)
    pk = desk.write("Printer")
    assert socket.expect("record_created")["seq"] == joined["seq"] + 1
    sql = "UPDATE helpdesk_ticket SET title = 'Plotter' WHERE id = %s"
    desk.run("from django.db import connection\nconnection.cursor().execute(sql, [pk])", sql=sql, pk=pk)
    frame = socket.expect("record_updated")
    assert (frame["seq"], frame["data"]["changes"]) == (joined["seq"] + 2, {"title": "Plotter"})
    socket.close()
    desk.write("Missed")
    again = connect(desk.server, desk.ann)
    join(again, desk.room, since=frame["seq"], epoch=joined["epoch"])
    assert again.expect("record_created")["data"]["record"]["title"] == "Missed"


def test_snapshot_log_and_long_poll_are_below_the_projects_prefix(desk: Desk) -> None:
    with desk.server.api(desk.ann) as api:
        snapshot = api.get(f"{PREFIX}/rooms/{desk.room}/").json()
        assert set(snapshot) == {"room", "seq", "epoch", "records"}
        desk.write("Polled")
        query = f"since={snapshot['seq']}&epoch={snapshot['epoch']}&wait=20"
        [frame] = api.get(f"{PREFIX}/rooms/{desk.room}/events/?{query}").json()["events"]
        assert frame["data"]["record"]["title"] == "Polled"
        assert api.get(f"{PREFIX}/rooms/helpdesk.queue.999/").json()["code"] == "not_found"
        assert api.get(f"{PREFIX}/elsewhere/").text == "the project's own tools/live/elsewhere/"


def test_a_user_who_may_not_read_any_more_gets_nothing_more(desk: Desk, connect: Connect) -> None:
    user = member(desk)
    socket = connect(desk.server, user)
    join(socket, desk.room)
    desk.run("QueueMembership.objects.filter(user_id=user).delete()", user=user.id)
    socket.expect("removed_from_room", room=desk.room)
    desk.write("After")
    socket.settle()
    assert "After" not in str(socket.history)
    assert socket.ask_frame("join_room", {"room": desk.room})["data"]["code"] == "not_found"
    assert socket.ask_frame("join_project", {"project_id": 1})["data"]["code"] == "unknown_event"


@pytest.mark.parametrize("desk", ["embedded"], indirect=True)
def test_a_page_of_a_signed_in_browser_gets_a_token_and_another_sites_does_not(desk: Desk, connect: Connect) -> None:
    url = f"{PREFIX}/token/session/"
    with httpx.Client(base_url=desk.server.url, timeout=60) as browser:
        browser.get("/")
        headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
        assert browser.post(url, headers=headers).status_code in {401, 403}
        browser.cookies.set("sessionid", desk.server.session(desk.ann))
        assert browser.post(url).status_code == 403
        token = browser.post(url, headers=headers).json()["access"]
    socket = desk.server.connect(token=token)
    with socket:
        assert socket.expect("connected")["data"]["user"]["id"] == desk.ann.id
