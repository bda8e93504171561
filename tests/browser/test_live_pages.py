"""Rendered pages with `{% load live %}`: the help desk of `examples/`, which has no script of its own."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.stacks import ROOT, Server, Stack, User

from .conftest import NewPage

HTMX = ROOT / "node_modules/htmx.org/dist/htmx.min.js"


class ExampleStack(Stack):
    """An installation of the example."""

    application, probe = "tests.support.hosts.example_asgi:application", "/login/"


class Desk(NamedTuple):
    """A queue with two tickets, and two users that work on it."""

    server: Server
    ann: User
    bob: User
    queue: int
    printer: int
    invoice: int

    def run(self, code: str, **values: Any) -> Any:
        return self.server.stack.run(code, queue=self.queue, **values)

    def sql(self, statement: str, *values: Any) -> None:
        code = "from django.db import connection\nconnection.cursor().execute(statement, values)"
        self.run(code, statement=statement, values=values)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    stack = ExampleStack("embedded", settings="tests.support.hosts.example")
    yield stack.server()
    stack.close()


@pytest.fixture
def desk(server: Server) -> Desk:
    ann, bob = server.stack.user(first_name="Ann"), server.stack.user(first_name="Bob", last_name="Lindqvist")
    code = (
        "queue = Queue.objects.create(name='Support')\n"
        "for user in users: Membership.objects.create(queue=queue, user_id=user)\n"
        "titles = ('Printer', 'Invoice')\n"
        "made = [Ticket.objects.create(queue=queue, title=title, customer='Kiosk') for title in titles]\n"
        "from taskrealtime.engine import log\n"
        "from taskrealtime.engine.models import Event\n"
        "log.sequence([f'tickets.queue.{queue.pk}', *(f'tickets.ticket.{ticket.pk}' for ticket in made)])\n"
        # A page may lack what was written within a second before its request, and is fetched again: these are older.
        "Event.objects.update(at='2026-01-01T00:00:00Z')\n"
        "result = [queue.pk, *(ticket.pk for ticket in made)]"
    )
    return Desk(server, ann, bob, *server.stack.run(code, users=[ann.id, bob.id]))


def open_live(new_page: NewPage, desk: Desk, user: User, path: str) -> Page:
    page = new_page(desk.server, user, path)
    expect_live(page)
    return page


def expect_live(page: Page) -> None:
    expect(page.locator("[data-live-room]").first).to_have_attribute("data-live-state", "live")


def test_what_one_user_changes_by_a_form_the_other_sees_and_a_write_in_sql_too(desk: Desk, new_page: NewPage) -> None:
    ours = open_live(new_page, desk, desk.ann, f"/queues/{desk.queue}/")
    theirs = open_live(new_page, desk, desk.bob, f"/tickets/{desk.printer}/")
    theirs.select_option("[name=status]", "waiting")
    theirs.get_by_role("button", name="Save").click()
    row = ours.locator(f"#ticket-{desk.printer}")
    expect(row.locator(".status")).to_have_text("Waiting")
    expect_live(theirs)  # the page that came after the form
    desk.sql("UPDATE tickets_ticket SET title = 'Plotter' WHERE id = %s", desk.printer)
    expect(row).to_contain_text("Plotter")
    expect(theirs.locator("h1")).to_have_text("Plotter")
    ours.locator("[name=title]").fill("Heating")
    ours.locator("[name=customer]").fill("Design")
    ours.get_by_role("button", name="Add ticket").click()
    expect(ours.locator("#tickets tr")).to_have_count(3)
    theirs.goto("/")
    expect(theirs.locator(".count")).to_have_text("2 open")
    expect_live(theirs)
    desk.sql("UPDATE tickets_ticket SET status = 'open' WHERE id = %s", desk.printer)
    expect(theirs.locator(".count")).to_have_text("3 open")


def test_focus_typed_text_and_scroll_stay_while_the_page_is_brought_up_to_date(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, f"/tickets/{desk.printer}/")
    note, title = page.locator("[name=text]"), page.locator("[name=title]")
    title.fill("Half of a tit")
    note.press_sequentially("Half of a no")
    note.evaluate("element => element.setSelectionRange(2, 5)")
    desk.run(
        "Note.objects.create(ticket_id=ticket, author_id=bob, text='Another driver')\n"
        "Ticket.objects.filter(pk=ticket).update(status='solved', title='Plotter')",
        ticket=desk.printer,
        bob=desk.bob.id,
    )
    expect(page.locator(".notes li")).to_contain_text("Another driver")
    expect(page.locator("h1")).to_have_text("Plotter")
    expect(note).to_be_focused()
    expect(note).to_have_value("Half of a no")
    assert note.evaluate("element => [element.selectionStart, element.selectionEnd]") == [2, 5]
    expect(title).to_have_value("Half of a tit")
    expect(page.locator("[name=status]")).to_have_value("solved")  # nothing was chosen there


def test_what_changes_between_the_page_and_its_connection_is_shown(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, "/")
    held: list[Route] = []
    page.route("**/live/live.js", lambda route: held.append(route))
    page.goto(f"/queues/{desk.queue}/", wait_until="commit")
    page.wait_for_selector(f"#ticket-{desk.invoice}")
    desk.sql("UPDATE tickets_ticket SET customer = 'Reception' WHERE id = %s", desk.invoice)
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(page.locator(f"#ticket-{desk.invoice}")).to_contain_text("Reception")


def test_a_page_that_shows_all_is_not_fetched_again(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, "/")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.resource_type))
    page.goto(f"/queues/{desk.queue}/")
    expect_live(page)
    desk.sql("UPDATE tickets_ticket SET title = 'Seen' WHERE id = %s", desk.invoice)
    expect(page.locator(f"#ticket-{desk.invoice}")).to_contain_text("Seen")
    assert fetched.count("fetch") == 2, "the token, and the page once it had changed"


def test_a_user_who_may_not_read_any_more_sees_nothing_new(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, f"/queues/{desk.queue}/")
    other = open_live(new_page, desk, desk.bob, f"/queues/{desk.queue}/")
    desk.run("Membership.objects.filter(queue_id=queue, user_id=user).delete()", user=desk.ann.id)
    table = page.locator("#tickets")
    expect(table).to_have_attribute("data-live-state", "removed")
    desk.sql("UPDATE tickets_ticket SET title = 'Secret' WHERE id = %s", desk.invoice)
    expect(other.locator("#tickets")).to_contain_text("Secret")
    expect(table).not_to_contain_text("Secret")


def test_a_page_takes_nothing_over_that_is_for_another_user_of_the_browser(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, f"/queues/{desk.queue}/")
    page.context.add_cookies([{"name": "sessionid", "value": desk.server.session(desk.bob), "url": desk.server.url}])
    desk.sql("UPDATE tickets_ticket SET title = 'As Bob has it' WHERE id = %s", desk.invoice)
    table = page.locator("#tickets")
    expect(table).to_have_attribute("data-live-state", "closed")
    expect(table).to_contain_text("Invoice")
    expect(page.locator(".me")).to_have_text("Ann")


def test_a_room_that_the_user_may_not_read_is_no_error_of_the_page(desk: Desk, new_page: NewPage) -> None:
    stranger = desk.run(
        "other = Queue.objects.create(name='Other')\n"
        "Membership.objects.create(queue=other, user_id=user)\n"
        "result = other.pk",
        user=desk.ann.id,
    )
    page = open_live(new_page, desk, desk.bob, f"/queues/{desk.queue}/")
    page.evaluate(
        "room => document.body.insertAdjacentHTML('beforeend', `<p id=other data-live-room=${room}></p>`)",
        f"tickets.queue.{stranger}",
    )
    expect(page.locator("#other")).to_have_attribute("data-live-state", "removed")
    expect(page.locator("#tickets")).to_have_attribute("data-live-state", "live")


def test_htmx_fetches_an_element_whenever_its_room_changes(desk: Desk, new_page: NewPage) -> None:
    page = new_page(desk.server, desk.ann, f"/queues/{desk.queue}/", bypass_csp=True)
    # What the template would have in the place of `live_records`.
    attributes = f'hx-get="/queues/{desk.queue}/" hx-select="#tickets" hx-swap="outerHTML" hx-trigger="live"'

    def answer(route: Route) -> None:
        if route.request.resource_type == "document":
            route.continue_()
            return
        answered = route.fetch()
        route.fulfill(response=answered, body=answered.text().replace("data-live-records", attributes))

    page.route(f"**/queues/{desk.queue}/", answer)
    page.add_script_tag(path=HTMX)
    page.evaluate(
        """(attributes) => {
          const table = document.querySelector('#tickets');
          table.outerHTML = table.outerHTML.replace('data-live-records=""', attributes);
          htmx.process(document.querySelector('#tickets'));
        }""",
        attributes,
    )
    for title in ("First", "Second"):
        expect_live(page)
        desk.sql("UPDATE tickets_ticket SET title = %s WHERE id = %s", title, desk.invoice)
        expect(page.locator(f"#ticket-{desk.invoice}")).to_contain_text(title)
        expect(page.locator("#tickets")).to_have_attribute("hx-trigger", "live")


def test_rows_stay_where_they_are_while_others_come_go_and_move(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, "/")
    found = page.evaluate(
        """async () => {
          const { morph } = await import('/static/taskrealtime/js/live/morph.js');
          const list = (text) => {
            const element = document.createElement('ul');
            element.innerHTML = text;
            return element;
          };
          const row = (id, more = '') => `<li id=${id} ${more}>${id} <input name=${id}></li>`;
          const plainRow = '<li>plain <input></li>';
          const folded = (more) => `<li id=folded ${more}><details><summary>s</summary></details></li>`;
          const from = list(row('a') + row('b') + row('c') + plainRow + folded(''));
          document.body.append(from);
          const [a, b, c, plain, last] = from.children;
          const input = c.querySelector('input');
          input.value = 'typed';
          input.focus();
          plain.querySelector('input').value = 'too';
          last.firstChild.open = true;
          morph(from, list('<li>new</li>' + row('c', 'class=x') + row('a') + plainRow + folded('class=y')));
          const now = [...from.children];
          return {
            same: now[1] === c && now[2] === a && now[3] === plain && now[4] === last,
            gone: !b.isConnected,
            focused: document.activeElement === input,
            texts: [input.value, plain.querySelector('input').value],
            classes: [now[1].className, now[4].className],
            open: last.firstChild.open,
            count: now.length,
          };
        }"""
    )
    assert found == {
        "same": True,
        "gone": True,
        "focused": True,
        "texts": ["typed", "too"],
        "classes": ["x", "y"],
        "open": True,
        "count": 5,
    }


def test_the_pages_connection_is_there_for_scripts_of_the_project(desk: Desk, new_page: NewPage) -> None:
    page = open_live(new_page, desk, desk.ann, f"/queues/{desk.queue}/")
    page.evaluate(
        """async (name) => {
          const { live } = await import('/static/taskrealtime/live/live.js?another-copy');
          window.same = live === window.taskrealtime.live;
          const room = live.room(name);
          window.tickets = room.records('tickets.ticket');
          await room.ready;
        }""",
        f"tickets.queue.{desk.queue}",
    )
    assert page.evaluate("[window.same, [...window.tickets.values()].map(({title}) => title).sort()]") == [
        True,
        ["Invoice", "Printer"],
    ]


def test_the_demo_has_two_users_that_sign_in_and_a_queue_to_look_at(desk: Desk, new_page: NewPage) -> None:
    desk.run("Queue.objects.all().delete()")
    printed = desk.server.stack.manage("demo")
    assert desk.server.stack.manage("demo") == printed, "safe to run again"
    desk.server.stack.manage("check", "--database", "default")
    page = new_page(desk.server, None, "/")
    page.fill("[name=username]", "bob")
    page.fill("[name=password]", printed.split()[-1])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Support").click()
    expect_live(page)
    page.get_by_role("button", name="Take it").first.click()
    expect(page.locator("#tickets")).to_contain_text("Bob Lindqvist")
