// @ts-check
/** The comments of the open task: the list, the form, and editing and deleting one's own. */

import { changeComment, deleteComment, fetchComments } from './api.js';
import { clone, find, isMac, part, setAttribute, setText } from './dom.js';
import { copyText } from './clipboard.js';
import { t } from './language.js';
import { glow } from './motion.js';
import { createAvatar, displayName } from './people.js';
import { write } from './route.js';
import { ago, exact } from './time.js';
import { explain } from './words.js';

/**
 * @typedef {{id: number, author: import("./reducer.js").User | null, content: string, content_html?: string, created_at: string, updated_at: string}} Comment
 * @typedef {import("./store.js").Outgoing} Outgoing
 */

const SURE = 4000; // ms in which a second press deletes

export class Comments {
  /**
   * @param {HTMLElement} panel
   * @param {{
   *   taskId: number, store: import("./store.js").BoardStore,
   *   add: (content: string) => void, drafts: import("./drafts.js").Drafts, report: (text: string) => void,
   *   say: (text: string) => void, tellTyping: (isTyping: boolean) => void,
   * }} parts
   */
  constructor(panel, { taskId, store, add, drafts, report, say, tellTyping }) {
    this.taskId = taskId;
    this.store = store;
    this.add = add;
    this.drafts = drafts;
    this.report = report;
    this.say = say;
    this.tellTyping = tellTyping;
    this.list = part(panel, 'comments');
    this.status = part(panel, 'comments-status');
    this.form = /** @type {HTMLFormElement} */ (part(panel, 'comment-form'));
    this.input = /** @type {HTMLTextAreaElement} */ (find(this.form, 'textarea'));
    /** @type {Map<number, {comment: Comment, element: HTMLElement}>} */
    this.shown = new Map();
    /** @type {Set<number>} deleted while the list was on its way */
    this.deleted = new Set();
    /** @type {Map<Outgoing, HTMLElement>} */
    this.outgoing = new Map();
    this.loaded = false;
    /** @type {number | null} a comment that somebody came for */
    this.wanted = null;
    this.input.value = drafts.get(taskId, 'comment')?.text ?? '';
    this.#listen();
    setText(part(panel, 'send-hint'), t('{keys} sends', { keys: isMac ? '⌘ Enter' : t('Ctrl Enter') }));
  }

  /** Fetches the list; what events tell meanwhile is newer and wins. */
  async load() {
    this.#paintStatus(t('Loading…'));
    try {
      const comments = await fetchComments(this.taskId);
      for (const comment of comments)
        if (!this.shown.has(comment.id) && !this.deleted.has(comment.id)) this.#show(comment);
      this.loaded = true;
      this.#paintStatus();
      if (this.wanted !== null) this.reveal(this.wanted);
    } catch (error) {
      this.#paintStatus(`${t('The comments could not be loaded.')} ${explain(error)}`, {
        label: t('Try again'),
        act: () => this.load(),
      });
    }
  }

  /** Brings one comment into view, now or once it is loaded. @param {number} id */
  reveal(id) {
    const element = this.shown.get(id)?.element;
    this.wanted = element ? null : id;
    if (!element) return;
    for (const other of this.shown.values()) setAttribute(other.element, 'aria-current', null);
    setAttribute(element, 'aria-current', 'true');
    element.scrollIntoView({ block: 'center' });
    glow(element);
  }

  /** The panel closes. */
  leave() {
    this.tellTyping(false);
  }

  /** After a reset of the log nothing shown is certain. */
  reload() {
    for (const { element } of this.shown.values()) element.remove();
    this.shown.clear();
    this.loaded = false;
    this.load();
  }

  /** @param {import("./reducer.js").LoggedFrame} frame of this task */
  apply({ event, data }) {
    if (event === 'comment_deleted') this.#remove(data.comment_id);
    if (event !== 'comment_added' && event !== 'comment_updated') return;
    const isOurs = data.by?.id === this.store.userId;
    const element = this.#show(data.comment);
    if (!isOurs) glow(element);
    this.#paintStatus();
  }

  /** @param {Date} now @param {import("./store.js").View} view */
  paint(now, { outgoing }) {
    this.#paintOutgoing(outgoing);
    this.form.hidden = !this.store.mayEdit;
    for (const { comment, element } of this.shown.values()) {
      setText(part(element, 'time'), ago(comment.created_at, now));
      this.#paintTools(comment, element);
    }
  }

  #listen() {
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    this.input.addEventListener('input', () => {
      this.drafts.set(this.taskId, 'comment', { text: this.input.value });
      this.tellTyping(this.input.value.trim() !== '');
    });
    this.input.addEventListener('blur', () => this.tellTyping(false));
    this.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
  }

  #send() {
    const text = this.input.value;
    if (!text.trim()) return this.input.focus();
    this.input.value = '';
    this.drafts.delete(this.taskId, 'comment');
    this.add(text);
    this.form.scrollIntoView({ block: 'nearest' });
  }

  /** One's own that have no event so far stand at the end. @param {readonly Outgoing[]} outgoing of all tasks */
  #paintOutgoing(outgoing) {
    const ours = outgoing.filter(({ taskId, commentId }) => taskId === this.taskId && !this.shown.has(commentId ?? 0));
    for (const [one, element] of this.outgoing) {
      if (ours.includes(one)) continue;
      element.remove();
      this.outgoing.delete(one);
    }
    for (const one of ours) {
      const element = this.outgoing.get(one) ?? this.#createOutgoing(one);
      const isWaiting = one.commentId === null;
      setAttribute(element, 'data-pending', isWaiting ? '' : null);
      setText(part(element, 'time'), isWaiting ? t('waiting to be sent') : t('just now'));
    }
    if (this.loaded) this.#paintStatus();
  }

  /** @param {Outgoing} outgoing @returns {HTMLElement} */
  #createOutgoing(outgoing) {
    const author = this.store.member(this.store.userId);
    const element = this.#create({ id: 0, author, content: outgoing.text, created_at: outgoing.at, updated_at: '' });
    element.removeAttribute('data-comment-id');
    find(element, '[data-copy-link]').hidden = true; // it has no number so far
    this.list.append(element);
    this.outgoing.set(outgoing, element);
    return element;
  }

  /** @param {Comment} comment @returns {HTMLElement} */
  #show(comment) {
    const shown = this.shown.get(comment.id);
    const element = shown?.element ?? this.#create(comment);
    this.shown.set(comment.id, { comment, element });
    this.#paintText(element, comment);
    this.#paintTools(comment, element);
    if (!shown) this.list.insertBefore(element, this.#after(comment.id));
    return element;
  }

  /** @param {number} id @returns {Element | null} the first element that comes later */
  #after(id) {
    return (
      [...this.list.children].find(
        (child) => Number(/** @type {HTMLElement} */ (child).dataset.commentId ?? Infinity) > id,
      ) ?? null
    );
  }

  /** @param {Comment} comment @returns {HTMLElement} */
  #create(comment) {
    const element = clone('comment');
    element.dataset.commentId = String(comment.id);
    setText(part(element, 'author'), comment.author ? displayName(comment.author) : t('Somebody who left'));
    if (comment.author) part(element, 'avatar').replaceWith(createAvatar(comment.author, { large: true }));
    const time = /** @type {HTMLTimeElement} */ (part(element, 'time'));
    time.dateTime = comment.created_at;
    time.title = exact(comment.created_at);
    setText(time, ago(comment.created_at, new Date()));
    this.#paintText(element, comment);
    find(element, '[data-copy-link]').addEventListener('click', () => this.#copyLink(comment.id));
    find(element, '[data-edit-comment]').addEventListener('click', () => this.#edit(comment.id));
    const remove = find(element, '[data-delete-comment]');
    remove.addEventListener('click', () => this.#askTwice(remove, () => this.#delete(comment.id)));
    return element;
  }

  /** @param {HTMLElement} element @param {Comment} comment */
  #paintText(element, { content, content_html: html, created_at, updated_at }) {
    const text = part(element, 'text');
    text.classList.toggle('comment__text--plain', !html);
    if (html)
      text.innerHTML = html; // rendered and sanitised by the server
    else text.textContent = content;
    const edited = part(element, 'edited');
    edited.hidden = !updated_at || Date.parse(updated_at) - Date.parse(created_at) < 1000;
    if (!edited.hidden) edited.title = exact(updated_at);
  }

  /** @param {Comment} comment @param {HTMLElement} element */
  #paintTools({ author }, element) {
    const isOurs = author?.id === this.store.userId;
    find(element, '[data-edit-comment]').hidden = !(isOurs && this.store.mayEdit);
    find(element, '[data-delete-comment]').hidden = !((isOurs && this.store.mayEdit) || this.store.role === 'owner');
  }

  /** @param {number} id */
  async #copyLink(id) {
    const link = location.origin + location.pathname + write({ taskId: this.taskId, commentId: id });
    this.say((await copyText(link)) ? t('The link to the comment is copied.') : t('The link to the comment: {link}', { link }));
  }

  /** @param {number} id */
  #edit(id) {
    const shown = this.shown.get(id);
    if (!shown || shown.element.querySelector('form')) return;
    const text = part(shown.element, 'text');
    const editor = /** @type {HTMLFormElement} */ (clone('comment-editor'));
    const input = /** @type {HTMLTextAreaElement} */ (find(editor, 'textarea'));
    const close = () => {
      editor.remove();
      text.hidden = false;
      find(shown.element, '[data-edit-comment]').focus();
    };
    const save = async () => {
      if (!input.value.trim()) return input.focus();
      try {
        if (input.value !== this.shown.get(id)?.comment.content) await changeComment(id, input.value);
        close();
      } catch (error) {
        const place = part(editor, 'error');
        place.hidden = false;
        setText(place, explain(error));
      }
    };
    input.value = shown.comment.content;
    editor.addEventListener('submit', (event) => {
      event.preventDefault();
      save();
    });
    editor.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        close();
      }
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save();
    });
    part(editor, 'cancel').addEventListener('click', close);
    text.hidden = true;
    text.after(editor);
    input.focus();
  }

  /** @param {number} id */
  async #delete(id) {
    try {
      await deleteComment(id);
    } catch (error) {
      this.report(`${t('The comment was not deleted.')} ${explain(error)}`);
    }
  }

  /** A comment cannot be brought back: it takes two presses. @param {HTMLElement} button @param {() => void} act */
  #askTwice(button, act) {
    if (button.dataset.sure) return act();
    button.dataset.sure = 'true';
    button.textContent = t('Really delete?');
    setTimeout(() => {
      delete button.dataset.sure;
      button.textContent = t('Delete');
    }, SURE);
  }

  /** @param {number} id */
  #remove(id) {
    this.deleted.add(id);
    const shown = this.shown.get(id);
    if (!shown) return;
    const hadFocus = shown.element.contains(document.activeElement);
    shown.element.remove();
    this.shown.delete(id);
    if (hadFocus) this.input.focus({ preventScroll: true });
    this.#paintStatus();
  }

  /** @param {string} [text] @param {{label: string, act: () => void}} [action] */
  #paintStatus(text, action) {
    const empty = this.loaded && !this.shown.size && !this.outgoing.size;
    this.status.hidden = !text && !empty;
    this.status.textContent = text ?? t('No comments yet.');
    if (!action) return;
    const button = document.createElement('button');
    button.className = 'button';
    button.type = 'button';
    button.textContent = action.label;
    button.addEventListener('click', action.act);
    this.status.append(' ', button);
  }
}
