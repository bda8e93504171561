// @ts-check
/** What a module may import. */

export { TaskManagerWebSocket } from './client.js';
export { TaskManagerError } from './envelope.js';
export * from './events.js';
export { Shelf } from './shelf.js';
