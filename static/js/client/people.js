// @ts-check
/** The users in the joined projects, the tasks that they view, and their typing. Pure: no sockets, no time. */

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {{id: number, username: string, name: string}} User
 *
 * @typedef {object} Place what is known of one project
 * @property {Map<number, string>} present user → status; the offline are not in it
 * @property {Map<number, number[]>} viewers task → users that have its panel open
 * @property {Map<string, Map<number, any>>} typing task and field → user → what was received of the user that types there
 */

export class People {
  /** @type {Map<number, Place>} */
  #places = new Map();
  #emit;

  /** @param {{emit: (event: string, data: any, frame?: Frame) => void}} options */
  constructor({ emit }) {
    this.#emit = emit;
  }

  /**
   * @param {number} projectId
   * @returns {Map<number, string>} user → status
   */
  present(projectId) {
    return new Map(this.#places.get(projectId)?.present);
  }

  /**
   * @param {number} taskId
   * @returns {number[]} ids of users
   */
  viewers(taskId) {
    for (const { viewers } of this.#places.values()) {
      const found = viewers.get(taskId);
      if (found) return [...found];
    }
    return [];
  }

  /**
   * @param {number} taskId
   * @param {string} [field] none: a comment
   * @returns {User[]}
   */
  typing(taskId, field) {
    for (const { typing } of this.#places.values()) {
      const found = typing.get(keyOf(taskId, field));
      if (found) return [...found.values()].map(({ user }) => user);
    }
    return [];
  }

  /**
   * A join was answered: everything is in the answer.
   *
   * @param {any} answer
   */
  joined({ project_id: projectId, presence }) {
    if (!presence) return; // Of a long poll, which knows no users.
    const known = this.#places.get(projectId);
    const place = emptyPlace();
    for (const { user_id: userId, status } of presence) place.present.set(userId, status);
    this.#places.set(projectId, place);
    for (const taskId of known?.viewers.keys() ?? []) this.#emitViewers(projectId, taskId, []);
    this.#emitPresence(projectId);
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it was about people, and is dealt with
   */
  receive(frame) {
    const { event, data } = frame;
    if (event === 'user_presence') this.#receivePresence(frame);
    else if (event === 'task_viewers') this.#receiveViewers(frame);
    else if (event === 'user_typing_status') this.#typingChanged(data, frame);
    else return false;
    return true;
  }

  /** @param {number} projectId that was left, or that the user may not see any more */
  left(projectId) {
    this.#places.delete(projectId);
  }

  /** The link is gone, and no event would come when a user stops typing. */
  lost() {
    for (const { typing } of this.#places.values()) {
      for (const users of typing.values()) {
        for (const told of users.values()) this.#typingChanged({ ...told, is_typing: false });
      }
    }
  }

  /** @param {Frame} frame of one user or of several: handlers get each by itself */
  #receivePresence(frame) {
    const { project_id: projectId, users = [frame.data] } = frame.data;
    const place = this.#places.get(projectId);
    if (!place) return;
    for (const { user_id: userId, status } of users) {
      if (status === 'offline') place.present.delete(userId);
      else place.present.set(userId, status);
    }
    for (const user of users) this.#emit('user_presence', { ...user, project_id: projectId }, frame);
    this.#emitPresence(projectId);
  }

  /** @param {Frame} frame */
  #receiveViewers(frame) {
    const { project_id: projectId, task_id: taskId, user_ids: userIds } = frame.data;
    const place = this.#places.get(projectId);
    if (!place) return;
    if (userIds.length > 0) place.viewers.set(taskId, [...userIds]);
    else place.viewers.delete(taskId);
    this.#emit('task_viewers', frame.data, frame);
  }

  /**
   * @param {any} data
   * @param {Frame} [frame] none: the client itself finds out
   */
  #typingChanged(data, frame) {
    const place = this.#places.get(data.project_id);
    if (!place) return;
    const key = keyOf(data.task_id, data.field);
    const users = place.typing.get(key) ?? new Map();
    if (data.is_typing) users.set(data.user.id, data);
    else users.delete(data.user.id);
    if (users.size > 0) place.typing.set(key, users);
    else place.typing.delete(key);
    this.#emit('user_typing_status', data, frame ?? { event: 'user_typing_status', data });
  }

  /**
   * @param {number} projectId
   * @param {number} taskId
   * @param {number[]} userIds
   */
  #emitViewers(projectId, taskId, userIds) {
    const data = { project_id: projectId, task_id: taskId, user_ids: userIds };
    this.#emit('task_viewers', data, { event: 'task_viewers', data });
  }

  /** @param {number} projectId */
  #emitPresence(projectId) {
    const users = [...this.present(projectId)].map(([userId, status]) => ({ user_id: userId, status }));
    this.#emit('presence', { project_id: projectId, users });
  }
}

/** @param {number} taskId @param {string} [field] */
function keyOf(taskId, field = '') {
  return `${taskId} ${field}`;
}

/** @returns {Place} */
function emptyPlace() {
  return { present: new Map(), viewers: new Map(), typing: new Map() };
}
