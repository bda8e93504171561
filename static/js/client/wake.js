// @ts-check
/** When the page reports that the network may be back, or gone. */

/**
 * @param {{window?: EventTarget, document?: EventTarget & {visibilityState?: string}}} page
 * @param {{back: () => void, gone: () => void}} handlers `back`: online again, or looked at again; `gone`: offline
 * @returns {() => void} stops listening
 */
export function watchPage({ window, document }, { back, gone }) {
  const shown = () => {
    if (document?.visibilityState !== 'hidden') back();
  };
  /** @type {[EventTarget | undefined, string, () => void][]} */
  const listeners = [
    [window, 'online', back],
    [window, 'offline', gone],
    [window, 'pageshow', back],
    [document, 'visibilitychange', shown],
  ];
  // React Native has a `window` that is no event target.
  for (const [target, event, listener] of listeners) target?.addEventListener?.(event, listener);
  return () => {
    for (const [target, event, listener] of listeners) target?.removeEventListener?.(event, listener);
  };
}
