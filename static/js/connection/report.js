// @ts-check
/** The report that the user sends to support: what was found, and nothing that is secret. Its frame is English: supporters sort by it. */

/**
 * @param {object} facts
 * @param {{title: string, outcome: string, result: string, advice?: string}[]} facts.steps
 * @param {string} facts.address of the page, without anything behind the host
 * @param {string} facts.browser
 * @param {string} facts.at ISO time
 * @param {string} facts.userId
 * @returns {string}
 */
export function writeReport({ steps, address, browser, at, userId }) {
  const head = ['taskrealtime connection test', `Time:    ${at}`, `Address: ${address}`, `User:    ${userId}`, `Browser: ${browser}`, ''];
  const lines = steps.map(({ title, outcome, result, advice }) => {
    const first = `[${outcome.toUpperCase().padEnd(7)}] ${title}: ${result}`;
    return advice ? `${first}\n          ${advice}` : first;
  });
  return [...head, ...lines].join('\n') + '\n';
}
