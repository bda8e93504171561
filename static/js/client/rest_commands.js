// @ts-check
/** Each change of the socket as a request of the API, and the API's answer as the socket would give it. Pure. */

/**
 * @typedef {object} Twin
 * @property {(data: any) => import('./rest.js').Request} request
 * @property {(body: any, data: any) => any} answer
 */

/** @type {Record<string, Twin | undefined>} */
export const REST_COMMANDS = {
  task_create: {
    request: (data) => ({ method: 'POST', path: 'tasks/', body: data }),
    answer: (task) => ({ task }),
  },
  task_update: {
    request: ({ task_id, changes, version }) => patch(task_id, { ...changes, version }),
    answer: ({ id, project_id, version }) => ({ task_id: id, project_id, version }),
  },
  task_status_update: {
    request: ({ task_id, status, version }) => patch(task_id, { status, version }),
    answer: ({ id, project_id, status, version }) => ({ task_id: id, project_id, status, version }),
  },
  task_move: {
    request: ({ task_id, ...where }) => ({ method: 'POST', path: `tasks/${task_id}/move/`, body: where }),
    answer: ({ id, project_id, status, position, version }) => ({ task_id: id, project_id, status, position, version }),
  },
  task_delete: {
    request: ({ task_id }) => ({ method: 'DELETE', path: `tasks/${task_id}/` }),
    answer: (_, { task_id }) => ({ task_id }),
  },
  task_restore: {
    request: ({ task_id }) => ({ method: 'POST', path: `tasks/${task_id}/restore/`, body: {} }),
    answer: (task) => ({ task }),
  },
  new_comment: {
    request: ({ task_id, content }) => ({ method: 'POST', path: `tasks/${task_id}/comments/`, body: { content } }),
    answer: ({ id, task_id, project_id }) => ({ comment_id: id, task_id, project_id }),
  },
};

/**
 * @param {number} taskId
 * @param {any} body
 */
function patch(taskId, body) {
  return { method: 'PATCH', path: `tasks/${taskId}/`, body };
}
