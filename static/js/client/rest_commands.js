// @ts-check
/** Each change as a request of the API, and the API's answer as the socket gives it, or would. Pure. */

/**
 * @typedef {object} Twin
 * @property {(data: any) => import('./rest.js').Request} request
 * @property {(body: any, data: any) => any} answer
 */

/** Changes that the socket has no event for: they go over HTTP while it is open, too. */
export const HTTP_ONLY = new Set(['comment_update', 'comment_delete']);

/** @type {Record<string, Twin | undefined>} */
export const REST_COMMANDS = {
  task_create: {
    request: (data) => ({ method: 'POST', path: 'tasks/', body: data }),
    answer: aboutWholeTask,
  },
  task_update: {
    request: ({ task_id, changes, version }) => ({
      method: 'PATCH',
      path: `tasks/${task_id}/`,
      body: { ...changes, version },
    }),
    answer: aboutTask('version', 'added_labels', 'removed_labels'),
  },
  task_status_update: {
    request: ({ task_id, ...body }) => ({ method: 'POST', path: `tasks/${task_id}/status/`, body }),
    answer: aboutTask('status', 'version'),
  },
  task_move: {
    request: ({ task_id, ...body }) => ({ method: 'POST', path: `tasks/${task_id}/move/`, body }),
    answer: aboutTask('status', 'position', 'version', 'previous'),
  },
  task_delete: {
    request: ({ task_id }) => ({ method: 'DELETE', path: `tasks/${task_id}/` }),
    answer: (_, { task_id }) => ({ task_id }),
  },
  task_restore: {
    request: ({ task_id }) => ({ method: 'POST', path: `tasks/${task_id}/restore/`, body: {} }),
    answer: aboutWholeTask,
  },
  new_comment: {
    request: ({ task_id, ...body }) => ({ method: 'POST', path: `tasks/${task_id}/comments/`, body }),
    answer: ({ id, comment_id = id, task_id, project_id, duplicate }) =>
      defined({ comment_id, task_id, project_id, duplicate }),
  },
  comment_update: {
    request: ({ comment_id, content, previous_content }) => ({
      method: 'PATCH',
      path: `comments/${comment_id}/`,
      body: defined({ content, previous_content }),
    }),
    answer: ({ duplicate, comment_id, ...comment }, data) =>
      defined({ comment_id: data.comment_id, task_id: data.task_id, comment: comment.id && comment, duplicate }),
  },
  comment_delete: {
    request: ({ comment_id }) => ({ method: 'DELETE', path: `comments/${comment_id}/` }),
    answer: (_, { comment_id, task_id }) => ({ comment_id, task_id }),
  },
  notifications_read: {
    request: (data) => ({ method: 'POST', path: 'notifications/read/', body: data }),
    answer: (body) => body,
  },
};

/** The API answers with the task itself; where that is gone again by then, with what the socket answers. @param {any} body */
function aboutWholeTask({ duplicate, description_html, task, ...fields }) {
  return defined({ task: task ?? fields, duplicate });
}

/**
 * As above, of which the socket names less.
 *
 * @param {...string} fields of the task that the answer names
 * @returns {(body: any) => any}
 */
function aboutTask(...fields) {
  return (body) =>
    defined({
      task_id: body.id ?? body.task_id,
      project_id: body.project_id,
      ...Object.fromEntries(fields.map((field) => [field, body[field]])),
      duplicate: body.duplicate,
    });
}

/** @param {Record<string, any>} fields */
function defined(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
