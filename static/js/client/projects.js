// @ts-check
/** The projects that the page joined: they stay joined over every reconnect, each followed from its own position. */

import { backoff } from './backoff.js';
import { Alarm, pause } from './clock.js';
import { TaskManagerError } from './envelope.js';
import { Room } from './rooms.js';

/** The longest wait between two tries to fetch a snapshot or to join, milliseconds. */
const RETRY = { cap: 5_000 };

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./rooms.js').Position} Position
 * @typedef {object} Link
 * @property {boolean} ready
 * @property {(event: string, data: any, done?: import('./requests.js').Done) => void} request
 * @property {(why: string) => void} restart drops the connection for another one
 *
 * @typedef {(projectId: number) => Promise<Position>} Snapshot
 *   fetches the project's board, takes it over, and says which position it has
 */

class Project {
  /** @type {{resolve: (answer: any) => void, reject: (error: Error) => void}[]} who called `join` and waits */
  waiters = [];
  /** @type {any} the latest answer to a join */
  answer = null;
  /** Whether the present link had a gap already. */
  hadGap = false;
  /** Joins that failed one after the other for a passing reason. */
  failures = 0;
  /** @type {Promise<void> | null} settled when the snapshot under way is taken over */
  resetting = null;

  /**
   * @param {number} id
   * @param {Position | null} position
   * @param {import('./clock.js').Clock} clock
   */
  constructor(id, position, clock) {
    this.id = id;
    this.path = `projects/${id}/events/`;
    this.room = new Room(`project.${id}`, position);
    this.retry = new Alarm(clock);
  }
}

export class Projects {
  /** @type {Snapshot | null} */
  snapshot = null;
  /** @type {Map<string, Project>} by the name of their room */
  #projects = new Map();
  #link;
  #events;
  #clock;
  #random;
  #log;

  /**
   * @param {object} options
   * @param {Link} options.link
   * @param {{deliver: (frame: Frame) => void, emit: (event: string, data: any, frame?: Frame) => void,
   *   changed: () => void, joined: (answer: any) => void, left: (projectId: number) => void}} options.events
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {import('./log.js').Log} options.log
   */
  constructor({ link, events, clock, random, log }) {
    this.#link = link;
    this.#events = events;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  get caughtUp() {
    return [...this.#projects.values()].every(({ room }) => room.caughtUp);
  }

  /** @returns {Project[]} */
  all() {
    return [...this.#projects.values()];
  }

  /** @param {Project} project */
  has(project) {
    return this.#projects.get(project.room.name) === project;
  }

  /**
   * @param {number} id
   * @param {Position | null} position the page's own; a project that is joined already keeps its position
   * @returns {Promise<any>} the answer's data
   */
  join(id, position) {
    let project = this.#projects.get(`project.${id}`);
    if (project?.answer) return Promise.resolve(project.answer);
    if (!project) {
      project = new Project(id, position, this.#clock);
      this.#projects.set(project.room.name, project);
      if (this.#link.ready) this.#attach(project);
      this.#events.changed();
    }
    const { waiters } = project;
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }

  /**
   * @param {number} id
   * @returns {Promise<any>} also where it was not joined
   */
  leave(id) {
    this.#forget(id, new TaskManagerError('cancelled', 'The project was left before it was joined.'));
    if (!this.#link.ready) return Promise.resolve({ project_id: id });
    return new Promise((resolve, reject) => {
      this.#link.request('leave_project', { project_id: id }, (error, data) => {
        // A connection that broke has left all its rooms.
        if (error && error.code !== 'connection_lost') reject(error);
        else resolve(data ?? { project_id: id });
      });
    });
  }

  /**
   * The user is no member any more.
   *
   * @param {number} id
   * @param {Frame} [frame] as the server told it
   */
  removed(id, frame) {
    this.#forget(id, new TaskManagerError('not_found', 'No such project.'));
    const data = frame?.data ?? { project_id: id };
    this.#events.emit('removed_from_project', data, frame ?? { event: 'removed_from_project', data });
  }

  /** There is a new link: joins everything again. */
  opened() {
    for (const project of this.all()) {
      project.hadGap = false;
      // One whose snapshot is under way joins when it is there.
      if (!project.resetting) this.#attach(project);
    }
  }

  lost() {
    for (const project of this.all()) {
      project.retry.clear();
      project.room.detach();
    }
  }

  /** @param {Error} error */
  close(error) {
    for (const project of this.all()) this.#forget(project.id, error);
  }

  /** @param {Frame} frame a logged one */
  receive(frame) {
    const project = this.#projects.get(frame.room ?? '');
    if (!project) return;
    const verdict = project.room.receive(frame);
    if (verdict === 'deliver') this.#events.deliver(frame);
    else if (verdict === 'gap') this.#mend(project, frame);
  }

  /**
   * Takes over what a poll of the project's log gave.
   *
   * @param {Project} project
   * @param {{events: Frame[], head: number, epoch: string, reset: boolean}} answer
   * @returns {Promise<void>} settled when the next poll may go on from the project's position
   */
  async polled(project, { events, head, epoch, reset }) {
    const answer = { project_id: project.id, room: project.room.name, seq: head, epoch, reset };
    if (reset || project.room.mode !== 'following') this.#joined(project, answer);
    project.room.head = head;
    for (const frame of events) this.receive(frame);
    await project.resetting;
  }

  /**
   * The server refuses the project for a lasting reason.
   *
   * @param {Project} project
   * @param {TaskManagerError} error
   */
  refused(project, error) {
    if (project.answer) return this.removed(project.id);
    this.#forget(project.id, error);
    this.#events.changed();
  }

  /** @param {Project} project */
  #attach(project) {
    project.room.attach();
    this.#link.request('join_project', { project_id: project.id, ...project.room.since }, (error, answer) => {
      if (!this.has(project)) return;
      if (error) this.#notJoined(project, error);
      else this.#joined(project, answer);
    });
  }

  /**
   * @param {Project} project
   * @param {any} answer
   */
  #joined(project, answer) {
    project.failures = 0;
    project.answer = answer;
    for (const { resolve } of project.waiters.splice(0)) resolve(answer);
    const due = project.room.joined(answer);
    this.#events.joined(answer);
    this.#events.emit('joined', answer);
    this.#deliver(project, due);
    if (answer.reset) this.#startReset(project, answer);
    this.#events.changed();
  }

  /**
   * @param {Project} project
   * @param {TaskManagerError} error
   */
  #notJoined(project, error) {
    if (error.code === 'connection_lost') return;
    if (error.code !== 'rate_limited' && error.code !== 'internal') return this.refused(project, error);
    const delay = (error.retryAfter ?? 0) * 1000 + backoff(project.failures, this.#random, RETRY);
    project.failures += 1;
    project.retry.set(delay, () => this.#attach(project));
  }

  /**
   * @param {Project} project
   * @param {any} answer
   */
  #startReset(project, answer) {
    const resetting = this.#reset(project, answer).finally(() => {
      if (project.resetting === resetting) project.resetting = null;
    });
    project.resetting = resetting;
  }

  /**
   * The log could not be continued: goes on from a snapshot.
   *
   * @param {Project} project
   * @param {any} answer
   */
  async #reset(project, { room, seq, epoch }) {
    this.#log(`${room} starts anew at ${seq}`);
    this.#events.emit('reset', { project_id: project.id, room, seq, epoch });
    const position = this.snapshot ? await this.#takeSnapshot(project, this.snapshot) : { seq, epoch };
    if (!position || !this.has(project)) return;
    const { frames, rejoin } = project.room.restart(position);
    this.#deliver(project, frames);
    if (rejoin && this.#link.ready) this.#rejoin(project);
    this.#events.changed();
  }

  /**
   * @param {Project} project
   * @param {Snapshot} snapshot
   * @returns {Promise<Position | null>} null: not wanted any more
   */
  async #takeSnapshot(project, snapshot) {
    for (let attempt = 0; this.has(project); attempt += 1) {
      try {
        return await snapshot(project.id);
      } catch (/** @type {any} */ error) {
        this.#log(`no snapshot of project ${project.id}: ${error}`);
        if (meansGone(error)) this.removed(project.id);
        else await pause(this.#clock, backoff(attempt, this.#random, RETRY));
      }
    }
    return null;
  }

  /**
   * Something is missing, which the server promises not to happen. The log still has it.
   *
   * @param {Project} project
   * @param {Frame} frame
   */
  #mend(project, frame) {
    this.#log(`a gap before ${frame.seq} in ${frame.room}`);
    if (!this.#link.ready) return; // The next poll or join goes on from the position anyway.
    if (project.hadGap) return this.#link.restart('a second gap');
    project.hadGap = true;
    this.#rejoin(project);
    this.#events.changed();
  }

  /**
   * Joining a joined room would replay nothing, so it is left first.
   *
   * @param {Project} project
   */
  #rejoin(project) {
    if (project.room.attached) this.#link.request('leave_project', { project_id: project.id });
    this.#attach(project);
  }

  /**
   * @param {Project} project
   * @param {Frame[]} frames
   */
  #deliver(project, frames) {
    for (const frame of frames) if (this.has(project)) this.#events.deliver(frame);
  }

  /**
   * @param {number} id
   * @param {Error} error for those who still wait for the join
   */
  #forget(id, error) {
    const project = this.#projects.get(`project.${id}`);
    if (!project) return;
    project.retry.clear();
    this.#projects.delete(project.room.name);
    this.#events.left(id);
    for (const { reject } of project.waiters.splice(0)) reject(error);
  }
}

/** @param {any} error */
function meansGone(error) {
  return [error?.code, error?.status].some((sign) => ['not_found', 'forbidden', 404, 403].includes(sign));
}
