// @ts-check
/** The elements of a page that name a room: each gets an event `live` when something happened there, and `data-live-state`. */

/** How long events are gathered at least, and the least time between two events of an element, milliseconds. */
const GATHER = 30;
const INTERVAL = 400;
/** Events of the room that one event of an element carries at most. */
const MAX_CARRIED = 500;

/**
 * @typedef {import('../client/client.js').TaskManagerWebSocket} Client
 * @typedef {import('../client/live_rooms.js').LiveRoom} LiveRoom
 * @typedef {import('../client/envelope.js').Frame} Frame
 */

/** An element in the room that it names. */
class Member {
  /** @type {Frame[]} what happened since the last event of the element */
  frames = [];
  /** Whether something happened that no frame says. */
  isReset = false;
  /** @type {number | null} */
  timer = null;
  /** When the element got its last event. */
  dispatchedAt = -Infinity;
  /** Whether the user may not read the room, or not any more. */
  isRemoved = false;

  /**
   * @param {HTMLElement} element
   * @param {string} name of the room
   * @param {LiveRoom} room
   */
  constructor(element, name, room) {
    this.element = element;
    this.name = name;
    this.room = room;
  }
}

export class Elements {
  /** @type {Map<HTMLElement, Member>} */
  #members = new Map();
  /** From where each room was joined. @type {Map<string, {since: number, epoch: string}>} */
  #joined = new Map();
  #client;
  #happened;

  /**
   * @param {Client} client
   * @param {(element: HTMLElement) => void} happened called after the event of an element
   */
  constructor(client, happened) {
    this.#client = client;
    this.#happened = happened;
    client.on('state', () => this.#showStates());
  }

  /**
   * Begin with the elements below a node, and go on with what is added, changed or removed there.
   *
   * @param {ParentNode & Node} root
   */
  watch(root) {
    new MutationObserver(() => this.#update(root)).observe(root, {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ['data-live-room'],
    });
    this.#update(root);
  }

  /** @param {ParentNode} root */
  #update(root) {
    const elements = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('[data-live-room]'));
    const present = new Set(elements);
    const gone = [...this.#members.values()].filter(({ element, name }) => !present.has(element) || element.dataset.liveRoom !== name);
    for (const { element } of gone) this.#members.delete(element);
    // Joined first: a room stays joined where an element replaces another one.
    for (const element of elements) if (!this.#members.has(element)) this.#enter(element);
    for (const member of gone) this.#leave(member);
  }

  /** @param {HTMLElement} element */
  #enter(element) {
    const { liveRoom: name = '', liveSince, liveHead, liveEpoch: epoch = '' } = element.dataset;
    if (!name) return;
    const position = liveSince === undefined ? null : { since: Number(liveSince), epoch };
    const room = this.#client.room(name, position ?? {});
    const member = new Member(element, name, room);
    this.#members.set(element, member);
    room.on('event', (_, frame) => this.#gather(member, frame));
    room.on('reset', () => this.#gather(member));
    room.on('removed_from_room', () => this.#remove(member));
    room.on('error', (error) => {
      if (error.code !== 'not_found') console.warn(`The room ${name} was not joined: ${error.message}`);
      this.#remove(member);
    });
    this.#showState(member);
    const joined = this.#joined.get(name);
    if (!joined) this.#joined.set(name, position ?? { since: 0, epoch: '' });
    else if (position && isBehind(position, Number(liveHead), joined, room)) this.#gather(member);
  }

  /** @param {Member} member */
  #leave({ name, room, timer }) {
    clearTimeout(timer ?? undefined);
    room.leave().catch(() => {}); // The connection may be closed.
    if (![...this.#members.values()].some((other) => other.name === name)) this.#joined.delete(name);
  }

  /** @param {Member} member */
  #remove(member) {
    member.isRemoved = true;
    // Its last event would refetch a page that the user may not read.
    clearTimeout(member.timer ?? undefined);
    this.#showState(member);
  }

  /**
   * @param {Member} member
   * @param {Frame} [frame] missing: something happened, but what it was is not known
   */
  #gather(member, frame) {
    if (frame && member.frames.length < MAX_CARRIED) member.frames.push(frame);
    else member.isReset = true;
    const wait = Math.max(GATHER, member.dispatchedAt + INTERVAL - performance.now());
    member.timer ??= setTimeout(() => this.#dispatch(member), wait);
  }

  /** @param {Member} member */
  #dispatch(member) {
    const { element, name, frames, isReset } = member;
    member.timer = null;
    member.frames = [];
    member.isReset = false;
    member.dispatchedAt = performance.now();
    element.dispatchEvent(new CustomEvent('live', { detail: { room: name, events: frames, reset: isReset } }));
    this.#happened(element);
  }

  #showStates() {
    for (const member of this.#members.values()) this.#showState(member);
  }

  /** @param {Member} member */
  #showState({ element, isRemoved }) {
    element.dataset.liveState = isRemoved ? 'removed' : this.#client.state;
  }
}

/**
 * Say whether the room went on since an element was rendered, and the element got no event for it.
 *
 * @param {{since: number, epoch: string}} position that the element surely shows
 * @param {number} head where the room stood when it was rendered
 * @param {{since: number, epoch: string}} joined from where the room was joined
 * @param {LiveRoom} room
 */
function isBehind({ since, epoch }, head, joined, room) {
  const present = room.position;
  if (!present) return epoch !== joined.epoch || since < joined.since;
  return epoch !== present.epoch || head < present.seq;
}
