// @ts-check
/** The names that the wire protocol uses. A test compares them with the server's catalogue. */

/** What a client may send. */
export const CLIENT_EVENTS = [
  'connect',
  'join_project',
  'leave_project',
  'join_room',
  'leave_room',
  'task_status_update',
  'new_comment',
  'user_typing',
  'ping',
  'task_create',
  'task_update',
  'task_move',
  'task_delete',
  'task_restore',
  'presence_update',
  'task_viewing',
  'notifications_read',
  'ops_watch',
  'token_refresh',
];

/** What the server may send. */
export const SERVER_EVENTS = [
  // Logged, in a project's room or a user's.
  'task_created',
  'task_restored',
  'task_updated',
  'task_status_changed',
  'task_assigned',
  'task_deleted',
  'comment_added',
  'comment_updated',
  'comment_deleted',
  'project_member_added',
  'project_member_updated',
  'project_member_removed',
  'project_updated',
  'project_member_requested',
  'due_date_reminder',
  // Logged, in rooms of live models.
  'record_created',
  'record_updated',
  'record_deleted',
  'reader_removed',
  // Ephemeral: never replayed.
  'user_presence',
  'user_typing_status',
  'task_viewers',
  'notifications_read',
  // To one connection.
  'connected',
  'ack',
  'error',
  'pong',
  'removed_from_project',
  'removed_from_room',
  'going_away',
  'ops_figures',
  'ops_ended',
];

/** The codes of the server's errors. */
export const ERROR_CODES = [
  'invalid_message',
  'unknown_event',
  'invalid_data',
  'unauthenticated',
  'token_invalid',
  'token_expired',
  'not_found',
  'forbidden',
  'conflict',
  'rate_limited',
  'internal',
];

/** The codes of errors that arise in this client. */
export const LOCAL_ERROR_CODES = ['closed', 'uncertain', 'too_large', 'cancelled', 'timed_out', 'connection_lost', 'socket_refused'];

/** A task's columns, in their order on the board. */
export const STATUSES = ['todo', 'in_progress', 'review', 'completed'];

/** From the least to the most pressing. */
export const PRIORITIES = ['low', 'medium', 'high', 'urgent'];

/** With which codes the server closes a socket. */
export const CLOSE_CODES = [1000, 1009, 1012, 4400, 4401, 4403, 4408, 4409, 4410, 4429];
