"""How to know that nothing else came: a later event of the same room is the fence, never a sleep."""

import itertools

from tests.support.sockets import Frame, Socket

_numbers = itertools.count(1)


def received(listener: Socket, project: int, *, by: Socket | None = None) -> list[Frame]:
    """The logged events of the project that the listener has not taken yet; answers stay out.

    `by`: a user that may write in the project, where the listener may not.
    """
    title = f"fence {next(_numbers)}"
    (by or listener).ask("task_create", {"project_id": project, "title": title})
    frames: list[Frame] = []
    while True:
        frame = listener.next()
        if frame["event"] == "task_created" and frame["data"]["task"]["title"] == title:
            return frames
        if frame.get("room") == f"project.{project}" and "seq" in frame:
            frames.append(frame)


def names(frames: list[Frame]) -> list[str]:
    return [frame["event"] for frame in frames]
