// @ts-check
/** The plain script: the class as a global of the page. */

import { TaskManagerWebSocket } from './index.js';

/** @type {any} */ (globalThis).TaskManagerWebSocket = TaskManagerWebSocket;
