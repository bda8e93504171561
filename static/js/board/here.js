// @ts-check
/**
 * Who is on the board just now: who is present, who types where, who looks at which task. Pure; `now` is an argument.
 *
 * None of it is logged: what a frame says takes the place of what was said before, and each join begins anew.
 * A state is never changed in place, and stays the same object where a frame says nothing new.
 */

/**
 * @typedef {import("./reducer.js").User} User
 * @typedef {{status: string, lastSeenAt: string | null}} Presence `offline` ones are kept: they tell when somebody was last seen
 * @typedef {{user: User, until: number}} Typist
 * @typedef {{
 *   presence: ReadonlyMap<number, Presence>,
 *   typing: ReadonlyMap<number, ReadonlyMap<number, Typist>>,
 *   viewers: ReadonlyMap<number, readonly number[]>,
 * }} Here `presence` by user, `typing` by task and then by user, `viewers` by task
 */

/** Somebody who says nothing more is taken to have stopped, ms; the server says so itself where it can. */
export const TYPING_STAYS = 10_000;

/** @type {Here} */
export const NOBODY = { presence: new Map(), typing: new Map(), viewers: new Map() };

/**
 * A join was answered: its list is everybody who is here. Who types and who looks is told anew.
 *
 * @param {Here} state
 * @param {{presence?: {user_id: number, status: string}[]}} answer
 * @returns {Here}
 */
export function joined(state, { presence = [] }) {
  /** @type {Map<number, Presence>} */
  const fresh = new Map();
  for (const [id, { lastSeenAt }] of state.presence) fresh.set(id, { status: 'offline', lastSeenAt });
  for (const { user_id: id, status } of presence) fresh.set(id, { status, lastSeenAt: fresh.get(id)?.lastSeenAt ?? null });
  return { presence: fresh, typing: new Map(), viewers: new Map() };
}

/**
 * @param {Here} state
 * @param {any} data of `user_presence`, about one or about several
 * @returns {Here}
 */
export function applyPresence(state, data) {
  const changed = (data.users ?? [data]).filter(
    (/** @type {any} */ { user_id: id, status, last_seen_at: at }) =>
      state.presence.get(id)?.status !== status || state.presence.get(id)?.lastSeenAt !== (at ?? null),
  );
  if (!changed.length) return state;
  const presence = new Map(state.presence);
  for (const { user_id: id, status, last_seen_at: at } of changed) presence.set(id, { status, lastSeenAt: at ?? null });
  return { ...state, presence };
}

/**
 * @param {Here} state
 * @param {{task_id: number, user: User, is_typing: boolean}} data of `user_typing_status`
 * @param {number} now ms
 * @returns {Here}
 */
export function applyTyping(state, { task_id: taskId, user, is_typing: isTyping }, now) {
  if (!isTyping) return stopTyping(state, taskId, user.id);
  const typists = new Map(state.typing.get(taskId)).set(user.id, { user, until: now + TYPING_STAYS });
  return { ...state, typing: new Map(state.typing).set(taskId, typists) };
}

/**
 * @param {Here} state
 * @param {number} taskId
 * @param {number} userId whose comment arrived, or who stopped
 * @returns {Here}
 */
export function stopTyping(state, taskId, userId) {
  if (!state.typing.get(taskId)?.has(userId)) return state;
  const typists = new Map(state.typing.get(taskId));
  typists.delete(userId);
  return { ...state, typing: new Map(state.typing).set(taskId, typists) };
}

/**
 * @param {Here} state
 * @param {{task_id: number, user_ids: number[]}} data of `task_viewers`
 * @returns {Here}
 */
export function applyViewers(state, { task_id: taskId, user_ids: ids }) {
  const known = state.viewers.get(taskId) ?? [];
  if (known.length === ids.length && ids.every((id, index) => known[index] === id)) return state;
  const viewers = new Map(state.viewers);
  if (ids.length) viewers.set(taskId, [...ids]);
  else viewers.delete(taskId);
  return { ...state, viewers };
}

/**
 * @param {Here} state
 * @param {number} taskId
 * @param {number} now ms
 * @returns {User[]} who types a comment there, in the order in which they began
 */
export function typistsOf(state, taskId, now) {
  const typists = [...(state.typing.get(taskId)?.values() ?? [])];
  return typists.filter(({ until }) => until > now).map(({ user }) => user);
}

/**
 * @param {Here} state
 * @param {number} now ms
 * @returns {number | null} when the next one is taken to have stopped, ms
 */
export function nextSilence(state, now) {
  const ends = [...state.typing.values()].flatMap((typists) => [...typists.values()].map(({ until }) => until));
  const next = Math.min(...ends.filter((until) => until > now));
  return Number.isFinite(next) ? next : null;
}

/**
 * @param {readonly string[]} names
 * @returns {string} "" for nobody
 */
export function typingSentence(names) {
  if (names.length === 0) return '';
  if (names.length === 1) return `${names[0]} is typing…`;
  if (names.length > 3) return 'Several people are typing…';
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]} are typing…`;
}
