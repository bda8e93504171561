import pytest, time, json
from tests.flows.conftest import *
from tests.flows.fences import heard
from websockets.exceptions import InvalidStatus
def test_probe(server, cast, connect, project):
    s = server.stack.server(WEBSOCKET_CORS_ORIGINS="https://board.example")
    for o in (f"http://127.0.0.1:{s.port}", f"https://127.0.0.1:{s.port}"):
        try:
            with s.connect(cast.ann, origin=o) as k: print("listed", o, k.next()["event"])
        except InvalidStatus as e: print("listed", o, e.response.status_code)
    for h in ({}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Host": "evil.example"}):
      for o in (f"https://127.0.0.1:{server.port}", "https://evil.example", f"HTTP://127.0.0.1:{server.port}", f"http://localhost:{server.port}"):
        try:
            with server.connect(cast.ann, origin=o, additional_headers=h) as k: print("same", h, o, k.next()["event"])
        except InvalidStatus as e: print("same", h, o, e.response.status_code)
    ann = server.api(cast.ann)
    m = f"/api/projects/{project}/members/{cast.ann.id}/"
    for f in (lambda: ann.patch(m, json={"role":"member"}), lambda: ann.post(f"/api/projects/{project}/leave/"), lambda: ann.delete(m)):
        r = f(); print("last owner", r.status_code, r.text)
    print("events no since", ann.get(f"/api/projects/{project}/events/").text[:200])
    print("limit0", ann.get(f"/api/projects/{project}/events/?since=0&limit=0").text[:200])
    print("limit big", ann.get(f"/api/projects/{project}/events/?since=0&limit=100000").text[-200:])
    print("wait big", ann.get(f"/api/projects/{project}/events/?since=0&wait=1000").status_code)
    b = connect(server, cast.bob)
    t = b.ask("task_create", {"project_id": project, "title": "A"})["task"]
    print(b.ask_frame("task_update", {"task_id": t["id"], "changes": {}}))
    print(b.ask_frame("task_update", {"task_id": t["id"], "changes": {"title":"x"}, "version": 99}))
    print(b.ask_frame("task_update", {"task_id": t["id"], "changes": {"title":"y"}, "version": 0}))
    print(b.ask_frame("task_update", {"task_id": t["id"], "changes": {"title":"x"}, "version": 1}))
    print(b.ask_frame("task_restore", {"task_id": t["id"]}))
    print(b.ask_frame("task_create", {"project_id": project, "title": "A", "due_at": "2030-01-01T00:00:00"}))
    print(b.ask_frame("task_create", {"project_id": project, "title": "A", "due_at": "2030-01-01"}))
    print(b.ask_frame("task_create", {"project_id": project, "title": "A", "due_at": "2030-06-30T23:59:60Z"}))
    print(b.ask_frame("task_create", {"project_id": project, "title": "  A  "})["data"])
    print(b.ask_frame("task_create", {"project_id": project, "title": "   "})["data"])
    print(b.ask_frame("task_create", {"project_id": project, "title": "A", "version": "x", "changes": 5, "position": 7})["data"])
    print(b.ask_frame("task_move", {"task_id": t["id"], "before_id": None, "after_id": None, "status": None}))
    print(b.ask_frame("ping", None)); 
    b.send_text('{"event":"ping","data":null,"id":1}'); print(b.next())
    b.send_text('{"event":"task_create","data":{"project_id":%d,"title":"q"},"key":null,"id":1}' % project); print(b.next())
    b.send_text('{"event":"task_create","data":{"project_id":%d,"title":"q"},"key":"","id":1}' % project); print(b.next())
    b.send_text('{"event":"task_create","event":"ping","data":{"project_id":%d,"title":"q"},"id":1}' % project); print(b.next())
    print(b.ask_frame("join_project", {"project_id": project, "since": None, "epoch": None}))
    r = ann.get(f"/api/projects/{project}/"); print(r.json(), dict(r.headers))
    r = ann.get(f"/api/tasks/{t['id']}/"); print(r.json())
    print(server.api().get("/").status_code, server.api().get("/api/").status_code, server.api().get("/api/projects").status_code)
    for u in ("user_typing","presence_update","task_viewing","notifications_read"):
        print(b.ask_frame(u, {"task_id": t["id"], "is_typing": True, "status":"busy", "up_to": 0}))
