// @ts-check
/**
 * What a board looks like after an event: `applyEvent(state, frame) → state`, without any side effect.
 *
 * A state is never changed in place. Tasks that an event does not touch keep their identity, so that
 * `before.tasks.get(id) !== after.tasks.get(id)` says exactly what has to be painted again.
 */

/**
 * @typedef {import("../client/wire.d.ts").UserObject} User
 * @typedef {import("../client/wire.d.ts").LabelObject} Label
 * @typedef {import("../client/wire.d.ts").ProjectObject} Project
 * @typedef {import("../client/wire.d.ts").MemberObject} Member
 * @typedef {import("../client/wire.d.ts").TaskObject} Task
 * @typedef {import("../client/wire.d.ts").Board} Snapshot the answer of `GET /api/projects/<id>/board/`
 * @typedef {import("../client/wire.d.ts").LoggedFrame} LoggedFrame
 * @typedef {{
 *   project: Readonly<Project>, members: readonly Member[], tasks: ReadonlyMap<number, Task>,
 *   seq: number, epoch: string,
 * }} BoardState
 */

/**
 * @param {Snapshot} snapshot
 * @returns {BoardState}
 */
export function fromSnapshot({ project, members, tasks, seq, epoch }) {
  return { project, members, tasks: new Map(tasks.map((task) => [task.id, task])), seq, epoch };
}

/**
 * The snapshot that the server would give for this state: tasks by position, members by user id.
 *
 * @param {BoardState} state
 * @returns {Snapshot}
 */
export function toSnapshot({ project, members, tasks, seq, epoch }) {
  return {
    project,
    members: [...members].sort((a, b) => (a.user.id < b.user.id ? -1 : 1)),
    tasks: [...tasks.values()].sort(compareTasks),
    seq,
    epoch,
  };
}

/**
 * The order of a column. Plain code units, as the server compares positions: a locale's order would differ.
 *
 * @param {{position: string, id: number}} a
 * @param {{position: string, id: number}} b
 * @returns {number}
 */
export function compareTasks(a, b) {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.id - b.id;
}

/**
 * The state after a logged event of the project. Events of other rooms and ones that the state already
 * holds (`seq` at or below its own) give the same state back.
 *
 * @param {BoardState} state
 * @param {LoggedFrame} frame
 * @returns {BoardState}
 */
export function applyEvent(state, frame) {
  const { room, seq } = frame;
  if (seq === undefined || seq <= state.seq) return state;
  if (room !== undefined && room !== `project.${state.project.id}`) return state;
  return { ...state, ...changesOf(state, frame.event, frame.data, frame), seq };
}

/**
 * @template {keyof LoggedEvents} Name
 * @param {BoardState} state
 * @param {Name} event
 * @param {LoggedEvents[Name]} data
 * @param {When} when
 * @returns {Partial<BoardState> | undefined} undefined: none
 */
function changesOf(state, event, data, when) {
  return REDUCERS[event]?.(state, data, when);
}

/**
 * @typedef {import("../client/wire.d.ts").LoggedEvents} LoggedEvents
 * @typedef {{at?: string}} When
 */

/**
 * What each event changes. An event that is not listed moves `seq` alone. `task_status_changed` and `task_assigned`
 * mostly repeat what the `task_updated` before them said; they come alone from code that wrote past the ORM.
 *
 * @type {{[Name in keyof LoggedEvents]?: (state: BoardState, data: LoggedEvents[Name], when: When) => Partial<BoardState>}}
 */
const REDUCERS = {
  task_created: putTask,
  task_restored: putTask,
  task_updated: (state, data, when) => updateTask(state, data, when, data.changes),
  task_status_changed: (state, data, when) => updateTask(state, data, when, { status: data.new_status }),
  task_assigned: (state, data, when) => updateTask(state, data, when, { assignee_id: data.assignee_id }),
  task_deleted: removeTask,
  comment_added: (state, data) => countComments(state, data.task_id, +1),
  comment_deleted: (state, data) => countComments(state, data.task_id, -1),
  project_member_added: (state, { user, role }) => ({
    members: [...state.members.filter((member) => member.user.id !== user.id), { user, role }],
  }),
  project_member_updated: (state, data) => ({
    members: state.members.map((member) => (member.user.id === data.user_id ? { ...member, role: data.role } : member)),
  }),
  project_member_removed: (state, data) => ({
    members: state.members.filter((member) => member.user.id !== data.user_id),
  }),
  project_updated: updateProject,
};

/** @param {BoardState} state @param {{task: Task}} data @returns {Partial<BoardState>} */
function putTask(state, { task }) {
  return { tasks: new Map(state.tasks).set(task.id, labelled(task, state.project)) };
}

/** @param {BoardState} state @param {LoggedEvents["project_updated"]} data @returns {Partial<BoardState>} */
function updateProject(state, { changes }) {
  const { labels, ...rest } = { ...state.project, ...changes };
  /** @type {Project} */
  const project = rest;
  if (labels?.length) project.labels = labels;
  if (!changes.labels) return { project };
  return { project, tasks: new Map([...state.tasks].map(([id, task]) => [id, labelled(task, project)])) };
}

/**
 * The server leaves the ids of deleted labels where they are: their readers drop them.
 *
 * @param {Task} task
 * @param {Project} project
 * @returns {Task} the same where it carries what the project has
 */
function labelled(task, { labels = [] }) {
  if (!task.labels) return task;
  const there = task.labels.filter((id) => labels.some((label) => label.id === id));
  if (there.length && there.length === task.labels.length) return task;
  const { labels: _, ...rest } = task;
  return there.length ? { ...rest, labels: there } : rest;
}

/**
 * A version that the task has already brings nothing new.
 *
 * @param {BoardState} state
 * @param {{task_id: number, version: number}} data
 * @param {When} when
 * @param {Partial<Task>} changes
 */
function updateTask(state, { task_id, version }, { at }, changes) {
  return changeTask(state, task_id, (task) =>
    task.version === version
      ? task
      : labelled({ ...task, ...changes, version, updated_at: at ?? task.updated_at }, state.project),
  );
}

/** @param {BoardState} state @param {{task_id: number}} data @returns {Partial<BoardState>} */
function removeTask(state, data) {
  const tasks = new Map(state.tasks);
  tasks.delete(data.task_id);
  return { tasks };
}

/**
 * @param {BoardState} state
 * @param {number} id
 * @param {(task: Task) => Task} change
 * @returns {Partial<BoardState>}
 */
function changeTask(state, id, change) {
  const task = state.tasks.get(id);
  return task ? { tasks: new Map(state.tasks).set(id, change(task)) } : {};
}

/**
 * @param {BoardState} state
 * @param {number} taskId
 * @param {number} difference
 * @returns {Partial<BoardState>}
 */
function countComments(state, taskId, difference) {
  return changeTask(state, taskId, (task) => ({ ...task, comment_count: task.comment_count + difference }));
}
