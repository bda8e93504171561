"""A client's picture of a board: a snapshot, carried on by the events after it."""

from typing import Any

from tests.support.sockets import Frame

Board = dict[str, Any]


def carried_on(board: Board, frames: list[Frame]) -> Board:
    """The board after these events, each applied once, by its number."""
    project = dict(board["project"])
    members = {member["user"]["id"]: member for member in board["members"]}
    tasks = {task["id"]: dict(task) for task in board["tasks"]}
    seq = board["seq"]
    for frame in frames:
        if frame["seq"] <= seq:
            continue
        assert frame["seq"] == seq + 1, f"a gap: {frame['seq']} after {seq}"
        seq = frame["seq"]
        apply(frame, project, members, tasks)
    return picture({"project": project, "members": list(members.values()), "tasks": list(tasks.values()), "seq": seq})


def apply(frame: Frame, project: Board, members: dict[int, Board], tasks: dict[int, Board]) -> None:
    data = frame["data"]
    match frame["event"]:
        case "task_created" | "task_restored":
            tasks[data["task"]["id"]] = dict(data["task"])
        case "task_updated":
            tasks[data["task_id"]] |= data["changes"] | {"version": data["version"], "updated_at": frame["at"]}
        case "task_deleted":
            tasks.pop(data["task_id"], None)
        case "comment_added":
            tasks[data["task_id"]]["comment_count"] += 1
        case "comment_deleted":
            tasks[data["task_id"]]["comment_count"] -= 1
        case "project_updated":
            project |= data["changes"]
        case "project_member_added":
            members[data["user"]["id"]] = {"user": data["user"], "role": data["role"]}
        case "project_member_updated":
            members[data["user_id"]] = members[data["user_id"]] | {"role": data["role"]}
        case "project_member_removed":
            members.pop(data["user_id"], None)


def picture(board: Board) -> Board:
    """What two boards must have in common, in one order."""
    return {
        "project": board["project"],
        "members": sorted(board["members"], key=lambda member: int(member["user"]["id"])),
        "tasks": sorted(board["tasks"], key=lambda task: int(task["id"])),
        "seq": board["seq"],
    }
