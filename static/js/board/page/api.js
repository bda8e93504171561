// @ts-check
/** The REST calls of the pages, signed by the browser's session and Django's CSRF token. */

import { callApi } from '../../client/http.js';
import { api, csrfHeaders } from './site.js';

/**
 * @typedef {import("../../client/wire.d.ts").Board} Board
 * @typedef {import("../../client/wire.d.ts").CommentObject} CommentObject
 * @typedef {import("../../client/wire.d.ts").Deleted} Deleted
 * @typedef {import("../../client/wire.d.ts").Events} Events
 * @typedef {import("../../client/wire.d.ts").InvitationObject} InvitationObject
 * @typedef {import("../../client/wire.d.ts").LabelDetail} LabelDetail
 * @typedef {import("../../client/wire.d.ts").Leaving} Leaving
 * @typedef {import("../../client/wire.d.ts").Me} Me
 * @typedef {import("../../client/wire.d.ts").MeChange} MeChange
 * @typedef {import("../../client/wire.d.ts").MemberAnswer} MemberAnswer
 * @typedef {import("../../client/wire.d.ts").MemberDetail} MemberDetail
 * @typedef {import("../../client/wire.d.ts").NewInvitation} NewInvitation
 * @typedef {import("../../client/wire.d.ts").ProjectDetail} ProjectDetail
 * @typedef {import("../../client/wire.d.ts").SearchPage} SearchPage
 * @typedef {import("../../client/wire.d.ts").SignInList} SignInList
 * @typedef {import("../../client/wire.d.ts").TaskDetail} TaskDetail
 * @typedef {import("../../client/wire.d.ts").TaskPage} TaskPage
 */

/**
 * @param {"GET" | "POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {object} [body]
 * @param {AbortSignal} [signal] ends it, as if no answer came
 * @returns {Promise<any>} the answer's JSON, null where it has none
 * @throws {import("../../client/envelope.js").TaskManagerError}
 */
function call(method, path, body, signal) {
  /** @type {Record<string, string>} */
  const headers = {};
  // Where another user has signed in meanwhile, in another tab, nothing is shown here or done in their name.
  const { userId } = document.body.dataset;
  if (userId) headers['X-Page-User'] = encodeURIComponent(userId);
  if (method !== 'GET') Object.assign(headers, csrfHeaders());
  return callApi(path, { method, headers, credentials: 'same-origin', body, signal });
}

/** @returns {Promise<string>} a fresh access token for the socket; refused with 401 or 403 once the page's user is signed out */
export async function fetchToken() {
  return (await call('POST', `${api}token/session/`)).access;
}

/** @param {number} projectId @returns {Promise<Board>} */
export function fetchBoard(projectId) {
  return call('GET', `${api}projects/${projectId}/board/`);
}

/**
 * @param {number} projectId
 * @param {number} since
 * @param {number} limit
 * @returns {Promise<Events>} the log after `since`
 */
export function fetchEvents(projectId, since, limit) {
  return call('GET', `${api}projects/${projectId}/events/?since=${since}&limit=${limit}`);
}

/** @param {number} taskId @returns {Promise<TaskDetail>} */
export function fetchTask(taskId) {
  return call('GET', `${api}tasks/${taskId}/`);
}

/**
 * Every comment of a task, page by page.
 *
 * @param {number} taskId
 * @returns {Promise<CommentObject[]>}
 */
export function fetchComments(taskId) {
  return fetchAll(`${api}tasks/${taskId}/comments/?page_size=200`);
}

/**
 * @param {number} projectId
 * @param {string} text to look for; empty: any
 * @returns {Promise<TaskPage>} the last archived ones, and how many there are
 */
export function fetchArchive(projectId, text) {
  return call('GET', `${api}tasks/?archived=1&page_size=100&project=${projectId}&q=${encodeURIComponent(text)}`);
}

/**
 * @param {string} text words, which each task has that is found
 * @param {AbortSignal} signal
 * @returns {Promise<SearchPage>} the best ones of all projects, and how many there are
 */
export function searchTasks(text, signal) {
  return call('GET', `${api}search/?q=${encodeURIComponent(text)}`, undefined, signal);
}

/** @param {number} taskId of a completed task @returns {Promise<null>} */
export function archiveTask(taskId) {
  return call('POST', `${api}tasks/${taskId}/archive/`);
}

/** @param {number} projectId @returns {Promise<number>} how many completed tasks went to the archive */
export async function archiveCompleted(projectId) {
  for (let sum = 0; ; ) {
    const { archived, more } = await call('POST', `${api}projects/${projectId}/archive/`);
    sum += archived;
    if (!more) return sum;
  }
}

/** @returns {Promise<ProjectDetail[]>} every project that one is a member of */
export function fetchProjects() {
  return fetchAll(`${api}projects/?page_size=200`);
}

/** @returns {Promise<Me>} the own settings */
export function fetchMe() {
  return call('GET', `${api}me/`);
}

/** @returns {Promise<SignInList>} where one is signed in */
export function fetchSessions() {
  return call('GET', `${api}me/sessions/`);
}

/** @param {MeChange} changes @returns {Promise<Me>} */
export function changeMe(changes) {
  return call('PATCH', `${api}me/`, changes);
}

/** @param {string} path of the first page @returns {Promise<any[]>} */
async function fetchAll(path) {
  const found = [];
  for (let next = path; next; ) {
    const page = await call('GET', next);
    found.push(...page.results);
    next = page.next ? pathOf(page.next) : '';
  }
  return found;
}

/** @param {string} address as the server wrote it @returns {string} without its host, which may be a proxy's */
function pathOf(address) {
  const { pathname, search } = new URL(address, location.href);
  return pathname + search;
}

/** @param {number} projectId @param {{username: string, role: string}} member @returns {Promise<MemberDetail | MemberAnswer>} `requested`: they want to be asked first */
export function addMember(projectId, member) {
  return call('POST', `${api}projects/${projectId}/members/`, member);
}

/** @param {number} projectId @param {number} userId @param {string} role @returns {Promise<MemberDetail>} */
export function changeMember(projectId, userId, role) {
  return call('PATCH', `${api}projects/${projectId}/members/${encodeURIComponent(userId)}/`, { role });
}

/** @param {number} projectId @param {number} userId @returns {Promise<null>} */
export function removeMember(projectId, userId) {
  return call('DELETE', `${api}projects/${projectId}/members/${encodeURIComponent(userId)}/`);
}

/** @param {number} projectId @returns {Promise<InvitationObject[]>} the links that are good; an owner's to see */
export function fetchInvitations(projectId) {
  return fetchAll(`${api}projects/${projectId}/invitations/?page_size=200`);
}

/**
 * @param {number} projectId
 * @param {{role: string, expires_in_hours: number, max_uses: number | null}} fields
 * @returns {Promise<NewInvitation>} the new link, with its `url`, which is returned this once
 */
export function makeInvitation(projectId, fields) {
  return call('POST', `${api}projects/${projectId}/invitations/`, fields);
}

/** @param {number} projectId @param {number} id @returns {Promise<null>} */
export function revokeInvitation(projectId, id) {
  return call('DELETE', `${api}projects/${projectId}/invitations/${id}/`);
}

/** @param {number} projectId @param {{user_id: number, then: string}} wish @returns {Promise<null>} */
export function handOver(projectId, wish) {
  return call('POST', `${api}projects/${projectId}/hand-over/`, wish);
}

/** @param {number} projectId @param {string} name @returns {Promise<ProjectDetail>} */
export function renameProject(projectId, name) {
  return call('PATCH', `${api}projects/${projectId}/`, { name });
}

/** @param {number} projectId @param {{name: string, color: string}} label @returns {Promise<LabelDetail>} */
export function addLabel(projectId, label) {
  return call('POST', `${api}projects/${projectId}/labels/`, label);
}

/** @param {number} projectId @param {number} id @param {{name?: string, color?: string}} changes @returns {Promise<LabelDetail>} */
export function changeLabel(projectId, id, changes) {
  return call('PATCH', `${api}projects/${projectId}/labels/${id}/`, changes);
}

/** @param {number} projectId @param {number} id @returns {Promise<null>} */
export function deleteLabel(projectId, id) {
  return call('DELETE', `${api}projects/${projectId}/labels/${id}/`);
}

/** @param {number} projectId @returns {Promise<null>} */
export function deleteProject(projectId) {
  return call('DELETE', `${api}projects/${projectId}/`);
}

/** @param {number} projectId @returns {Promise<ProjectDetail>} */
export function restoreProject(projectId) {
  return call('POST', `${api}projects/${projectId}/restore/`);
}

/** @param {number} projectId @param {number} userId a removed member @returns {Promise<MemberDetail>} */
export function restoreMember(projectId, userId) {
  return call('POST', `${api}projects/${projectId}/members/${encodeURIComponent(userId)}/restore/`);
}

/** @param {number} projectId @param {number} id @returns {Promise<LabelDetail>} with another id */
export function restoreLabel(projectId, id) {
  return call('POST', `${api}projects/${projectId}/labels/${id}/restore/`);
}

/** @param {number} projectId @param {number} id @returns {Promise<null>} */
export function purgeLabel(projectId, id) {
  return call('POST', `${api}projects/${projectId}/labels/${id}/purge/`);
}

/** @param {number} id @returns {Promise<CommentObject>} */
export function restoreComment(id) {
  return call('POST', `${api}comments/${id}/restore/`);
}

/** @param {number} id @returns {Promise<null>} */
export function purgeComment(id) {
  return call('POST', `${api}comments/${id}/purge/`);
}

/** @param {number} projectId @returns {Promise<Deleted[]>} what we can restore, the last deleted first */
export async function fetchDeleted(projectId) {
  return (await call('GET', `${api}projects/${projectId}/deleted/`)).deleted;
}

/** @param {number} projectId @param {Leaving} [how] `block`: the user that added us cannot do so again @returns {Promise<null>} */
export function leaveProject(projectId, how) {
  return call('POST', `${api}projects/${projectId}/leave/`, how);
}
