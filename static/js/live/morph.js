// @ts-check
/** Makes an element what another one is, in place: what did not change stays the same node, with its focus, its typed text and its scroll. */

/** What the browser's user or this module sets by itself: the server's page says nothing about it. */
const OWN = new Set(['data-live-state', 'data-live-since', 'data-live-head', 'data-live-epoch']);
/** Elements that their user opens and closes. */
const OPENED = new Set(['DETAILS', 'DIALOG']);

/**
 * Only attributes and children change, never properties: browsers show a changed `value`, `checked` or `selected` in controls that the
 * user has not touched, and leave it in those that hold an input of the user.
 *
 * @param {Element} from the one in the page
 * @param {Element} to the one that the server sent
 */
export function morph(from, to) {
  if (from.hasAttribute('data-live-keep')) return;
  morphAttributes(from, to);
  morphChildren(from, to);
}

/**
 * @param {Element} from
 * @param {Element} to
 */
function morphAttributes(from, to) {
  const isKept = (/** @type {string} */ name) => OWN.has(name) || (name === 'open' && OPENED.has(from.nodeName));
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !isKept(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value && !isKept(name)) from.setAttribute(name, value);
}

/**
 * @param {Element} from
 * @param {Element} to
 */
export function morphChildren(from, to) {
  const matches = matchChildren([...from.childNodes], [...to.childNodes]);
  let cursor = from.firstChild;
  for (const wanted of to.childNodes) {
    const match = matches.get(wanted);
    if (!match) {
      from.insertBefore(document.importNode(wanted, true), cursor);
      continue;
    }
    if (match !== cursor) bring(match, cursor);
    if (match instanceof Element) morph(match, /** @type {Element} */ (wanted));
    else if (match.nodeValue !== wanted.nodeValue) match.nodeValue = wanted.nodeValue;
    cursor = match.nextSibling;
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

/**
 * Say which of the present nodes each of the wanted ones goes on with: that of the same `id`, else one that is equal already, else the
 * next of the same kind. So a row without an id stays where its text is, as long as nothing in it changes.
 *
 * @param {ChildNode[]} present
 * @param {ChildNode[]} wanted
 * @returns {Map<ChildNode, ChildNode>} by the wanted node
 */
function matchChildren(present, wanted) {
  /** @type {Map<ChildNode, ChildNode>} */
  const matches = new Map();
  const byId = new Map(present.filter((node) => idOf(node)).map((node) => [idOf(node), node]));
  for (const node of wanted) {
    const match = idOf(node) && byId.get(idOf(node));
    if (match && match.nodeName === node.nodeName) matches.set(node, match);
  }
  let free = present.filter((node) => !idOf(node));
  const open = wanted.filter((node) => !idOf(node));
  pair(free.filter(isElement), open.filter(isElement), matches, (one, other) => one.isEqualNode(other));
  const taken = new Set(matches.values());
  free = free.filter((node) => !taken.has(node));
  pair(free, open.filter((node) => !matches.has(node)), matches, (one, other) => one.nodeName === other.nodeName);
  return matches;
}

/**
 * Pair nodes in their order.
 *
 * @param {ChildNode[]} present
 * @param {ChildNode[]} wanted
 * @param {Map<ChildNode, ChildNode>} matches filled with the pairs
 * @param {(one: ChildNode, other: ChildNode) => boolean} fits
 */
function pair(present, wanted, matches, fits) {
  let begin = 0;
  for (const node of wanted) {
    const at = present.findIndex((other, place) => place >= begin && fits(other, node));
    if (at < 0) continue;
    matches.set(node, present[at]);
    begin = at + 1;
  }
}

/**
 * Put a node in front of another one of its siblings.
 *
 * @param {ChildNode} node
 * @param {ChildNode | null} cursor
 */
function bring(node, cursor) {
  const parent = /** @type {Node} */ (node.parentNode);
  if (!cursor || !node.contains(document.activeElement)) {
    parent.insertBefore(node, cursor);
    return;
  }
  // A node that is moved loses the focus: the others move instead.
  const after = node.nextSibling;
  for (let other = cursor; other !== node; ) {
    const next = /** @type {ChildNode} */ (other.nextSibling);
    parent.insertBefore(other, after);
    other = next;
  }
}

/** @param {ChildNode} node @returns {string} */
function idOf(node) {
  return node instanceof Element ? node.id : '';
}

/** @param {ChildNode} node */
function isElement(node) {
  return node.nodeType === Node.ELEMENT_NODE;
}
