// @ts-check
/** One bare socket, without the client's cleverness: nothing reconnects, and how it ended is reported. */

/**
 * @typedef {{event: string, data: any, id?: string}} Frame
 * @typedef {{code: number, seconds: number}} Closed `seconds` since it was opened
 *
 * @typedef {object} Probe
 * @property {Promise<'open' | 'refused'>} opening
 * @property {Promise<Closed>} ended
 * @property {Closed | null} closed how it ended; null: it has not
 * @property {(fits: (frame: Frame) => boolean) => Promise<Frame>} expect rejects where the socket ends before
 * @property {(event: string, data: object, id: string) => Promise<Frame>} ask
 * @property {() => void} close
 */

/**
 * @param {any} WebSocket
 * @param {string} url
 * @param {string} token
 * @returns {Probe}
 */
export function openSocket(WebSocket, url, token) {
  const socket = new WebSocket(url, ['taskrealtime.v1', `bearer.${token}`]);
  const begun = Date.now();
  /** @type {Frame[]} */
  const frames = [];
  /** @type {Set<() => void>} */
  const waiting = new Set();
  const wake = () => [...waiting].forEach((look) => look());

  /** @type {Probe} */
  const probe = {
    closed: null,
    opening: new Promise((resolve) => {
      socket.addEventListener('open', () => resolve('open'));
      socket.addEventListener('close', () => resolve('refused'));
    }),
    ended: new Promise((resolve) => {
      socket.addEventListener('close', (/** @type {{code: number}} */ { code }) => {
        probe.closed = { code, seconds: Math.round((Date.now() - begun) / 1000) };
        resolve(probe.closed);
        wake();
      });
    }),
    expect: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = frames.findIndex(fits);
          if (found < 0 && !probe.closed) return;
          waiting.delete(look);
          if (found < 0) reject(new Error('The socket was closed.'));
          else resolve(frames.splice(found, 1)[0]);
        };
        waiting.add(look);
        look();
      }),
    ask: (event, data, id) => {
      socket.send(JSON.stringify({ event, data, id }));
      return probe.expect((frame) => frame.id === id);
    },
    close: () => socket.close(),
  };
  socket.addEventListener('message', (/** @type {{data: string}} */ message) => {
    try {
      frames.push(JSON.parse(message.data));
    } catch {
      frames.push({ event: 'unreadable', data: null });
    }
    wake();
  });
  return probe;
}
