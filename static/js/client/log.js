// @ts-check
/** What `debug: true` writes to the console. Never a token. */

/** @typedef {(what: string, frame?: any) => void} Log */

/**
 * @param {boolean} debug
 * @param {Pick<Console, 'debug'>} [out]
 * @returns {Log}
 */
export function makeLog(debug, out = console) {
  if (!debug) return () => {};
  return (what, frame) => out.debug(`[taskrealtime] ${what}`, ...(frame === undefined ? [] : [redact(frame)]));
}

/** @param {any} frame */
function redact(frame) {
  return frame?.data?.token === undefined ? frame : { ...frame, data: { ...frame.data, token: '…' } };
}
