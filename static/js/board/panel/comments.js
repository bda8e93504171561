// @ts-check
/** The comments of the open task: the list, the form, and editing and deleting one's own. */

import { fetchComments } from '../page/api.js';
import { clone, find, isMac, part, setAttribute, setText } from '../ui/dom.js';
import { paintConflict } from './conflict.js';
import { copyText } from '../ui/clipboard.js';
import { confirmTwice } from '../ui/confirm.js';
import { onKey } from '../ui/keys.js';
import { t } from '../language/language.js';
import { glow } from '../ui/motion.js';
import { finishText } from './finished_text.js';
import { createAvatar, displayName } from '../people/people.js';
import { write } from '../page/route.js';
import { ago, exact } from '../language/time.js';
import { explain } from '../language/words.js';

/**
 * @typedef {import("../state/store.js").Comment} Comment
 * @typedef {Partial<Comment> & Pick<Comment, "id" | "author" | "content" | "created_at" | "updated_at">} Written a comment, or what one of ours looks like on its way
 * @typedef {import("../state/store.js").Outgoing} Outgoing
 */


export class Comments {
  /**
   * @param {HTMLElement} panel
   * @param {{
   *   taskId: number, store: import("../state/store.js").BoardStore,
   *   add: (content: string) => void, edit: (commentId: number, content: string, previous: string) => void, remove: (commentId: number) => void,
   *   drafts: import("../state/drafts.js").Drafts,
   *   say: (text: string) => void, sendTyping: (isTyping: boolean) => void,
   * }} parts
   */
  constructor(panel, { taskId, store, add, edit, remove, drafts, say, sendTyping }) {
    this.taskId = taskId;
    this.store = store;
    this.add = add;
    this.edit = edit;
    this.remove = remove;
    this.drafts = drafts;
    this.say = say;
    this.sendTyping = sendTyping;
    this.list = part(panel, 'comments');
    this.status = part(panel, 'comments-status');
    this.form = /** @type {HTMLFormElement} */ (part(panel, 'comment-form'));
    this.input = /** @type {HTMLTextAreaElement} */ (find(this.form, 'textarea'));
    /** @type {Map<number, {comment: Comment, element: HTMLElement}>} */
    this.shown = new Map();
    /** @type {Set<number>} deleted while the list was on its way */
    this.deleted = new Set();
    /** Those that are shown as they were before a reset; the list says what became of them. @type {Set<number>} */
    this.stale = new Set();
    /** How often the list was asked for: the last one is the newest. */
    this.asked = 0;
    /** @type {Map<Outgoing, HTMLElement>} */
    this.outgoing = new Map();
    /** Own changes that are painted over comments. @type {Map<number, import("../state/store.js").CommentChange>} */
    this.changed = new Map();
    /** Comments that are being edited. @type {Map<number, {paint: () => void, take: (text: string) => void}>} */
    this.editors = new Map();
    this.loaded = false;
    /** @type {number | null} a comment that the user came for */
    this.wanted = null;
    this.input.value = drafts.get(taskId, 'comment')?.text ?? '';
    this.#listen();
    setText(part(panel, 'send-hint'), t('{keys} to send', { keys: isMac ? '⌘Enter' : t('Ctrl+Enter') }));
  }

  /** The task has an id by now. @param {number} id */
  rename(id) {
    this.taskId = id;
    this.load();
  }

  /** Fetches the list; what events report meanwhile is newer and wins. */
  async load() {
    if (this.taskId < 0) return this.#paintStatus(); // a task that is on its way has none
    this.#paintStatus(t('Loading…'));
    const number = ++this.asked;
    try {
      const comments = await fetchComments(this.taskId);
      if (number !== this.asked) return;
      for (const comment of comments) {
        const isNews = this.stale.delete(comment.id) || !this.shown.has(comment.id);
        if (isNews && !this.deleted.has(comment.id)) this.#show(comment);
      }
      for (const id of this.stale) this.#remove(id);
      this.loaded = true;
      this.#paintStatus();
      if (this.wanted === null) return;
      if (this.shown.has(this.wanted)) return this.reveal(this.wanted);
      this.wanted = null;
      this.say(t('This comment was deleted.'));
    } catch (error) {
      if (number !== this.asked) return;
      this.#paintStatus(`${t('Couldn’t load the comments.')} ${explain(error)}`, {
        label: t('Try again'),
        act: () => this.load(),
      });
    }
  }

  /** Brings one comment into view, now or once it is loaded. @param {number} id */
  reveal(id) {
    const element = this.shown.get(id)?.element;
    this.wanted = element ? null : id;
    if (!element) return void (this.loaded && this.load()); // its event may be on its way
    for (const other of this.shown.values()) setAttribute(other.element, 'aria-current', null);
    setAttribute(element, 'aria-current', 'true');
    element.scrollIntoView({ block: 'center' });
    glow(element);
  }

  /** The panel closes. */
  leave() {
    this.sendTyping(false);
  }

  /** After a reset of the log nothing shown is certain; it stays until there is something else, with what is being written in it. */
  reload() {
    this.stale = new Set(this.shown.keys());
    this.deleted.clear();
    this.loaded = false;
    this.load();
  }

  /** @param {import("../reducer.js").LoggedFrame} frame of this task */
  apply({ event, data }) {
    if (event === 'comment_deleted') this.#remove(data.comment_id);
    if (event !== 'comment_added' && event !== 'comment_updated') return;
    const isOurs = data.by?.id === this.store.userId;
    this.stale.delete(data.comment.id);
    this.deleted.delete(data.comment.id); // it may have been restored
    const element = this.#show(data.comment);
    if (!isOurs) glow(element);
    this.#paintStatus();
  }

  /** @param {Date} now @param {import("../state/store.js").View} view */
  paint(now, { outgoing, commentChanges }) {
    this.#paintOutgoing(outgoing);
    this.#paintChanges(commentChanges);
    this.form.hidden = !this.store.mayChange(this.taskId);
    for (const { comment, element } of this.shown.values()) {
      setText(part(element, 'time'), this.#inWords(comment, now));
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
      this.sendTyping(this.input.value.trim() !== '');
    });
    this.input.addEventListener('blur', () => this.sendTyping(false));
    onKey(this.input, (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.form.requestSubmit();
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
      setText(part(element, 'time'), isWaiting ? t('not sent yet') : t('just now'));
    }
    if (this.loaded) this.#paintStatus();
  }

  /** Own changes without an event so far lie over the comments. @param {readonly import("../state/store.js").CommentChange[]} changes of all tasks, the newest last */
  #paintChanges(changes) {
    const before = this.changed;
    this.changed = new Map(changes.map((change) => [change.commentId, change]));
    for (const id of new Set([...before.keys(), ...this.changed.keys()])) {
      const shown = this.shown.get(id);
      if (!shown) continue;
      this.#paintText(shown.element, shown.comment);
      this.editors.get(id)?.paint();
    }
  }

  /** @param {Comment} comment @param {Date} now @returns {string} when it was written, or what becomes of it */
  #inWords({ id, created_at }, now) {
    const change = this.changed.get(id);
    if (!change || change.answered) return ago(created_at, now);
    return change.text === null ? t('not deleted yet') : t('edit not sent yet');
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
    this.editors.get(comment.id)?.paint();
    if (shown) return element;
    this.list.insertBefore(element, this.#after(comment.id));
    this.takeUpDraft(comment.id);
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

  /** @param {Written} comment @returns {HTMLElement} */
  #create(comment) {
    const element = clone('comment');
    element.dataset.commentId = String(comment.id);
    setText(part(element, 'author'), comment.author ? displayName(comment.author) : t('Former member'));
    if (comment.author) part(element, 'avatar').replaceWith(createAvatar(comment.author, { large: true }));
    const time = /** @type {HTMLTimeElement} */ (part(element, 'time'));
    time.dateTime = comment.created_at;
    time.title = exact(comment.created_at);
    setText(time, ago(comment.created_at, new Date()));
    this.#paintText(element, comment);
    find(element, '[data-copy-link]').addEventListener('click', () => this.#copyLink(comment.id));
    find(element, '[data-edit-comment]').addEventListener('click', () => this.#edit(comment.id));
    const remove = find(element, '[data-delete-comment]');
    remove.addEventListener('click', () => confirmTwice(remove, t('Delete comment?'), () => this.#goes(comment.id) || this.remove(comment.id)));
    return element;
  }

  /** @param {HTMLElement} element @param {Written} comment */
  #paintText(element, comment) {
    const change = this.changed.get(comment.id);
    setAttribute(element, 'data-pending', change && !change.answered ? '' : null);
    const isEdited = change && change.text !== null;
    const { content, content_html: html, created_at, updated_at } =
      (isEdited && (change.comment ?? { ...comment, content: change.text, content_html: '' })) || comment;
    const text = part(element, 'text');
    text.classList.toggle('comment__text--plain', !html);
    if (html) text.innerHTML = html; // rendered and sanitised by the server
    else text.textContent = content;
    finishText(text, (this.store.state?.members ?? []).map(({ user }) => user), this.store.userId);
    const edited = part(element, 'edited');
    edited.hidden = !updated_at || Date.parse(updated_at) - Date.parse(created_at) < 1000;
    if (!edited.hidden) edited.title = exact(updated_at);
  }

  /** @param {Comment} comment @param {HTMLElement} element */
  #paintTools({ id, author }, element) {
    const isOurs = author?.id === this.store.userId;
    find(element, '[data-edit-comment]').hidden = this.#goes(id) || !(isOurs && this.store.mayChange(this.taskId));
    find(element, '[data-delete-comment]').hidden = !((isOurs && this.store.mayChange(this.taskId)) || this.store.role === 'owner');
    const save = /** @type {HTMLButtonElement | null} */ (element.querySelector('form [type="submit"]'));
    if (save) save.disabled = !this.store.mayChange(this.taskId);
  }

  /** @param {number} id */
  async #copyLink(id) {
    const link = location.origin + location.pathname + write({ taskId: this.taskId, commentId: id });
    this.say((await copyText(link)) ? t('Link copied') : t('Link to this comment: {link}', { link }));
  }

  /** @param {number} id */
  #edit(id) {
    const text = this.#contentOf(id) ?? '';
    const draft = this.drafts.get(this.taskId, draftOf(id));
    this.#openEditor(id, draft?.text ?? text, draft?.base ?? text)?.focus();
  }

  /** A change that was being written when the page ended, or the panel closed. @param {number} id @returns {boolean} whether it is */
  takeUpDraft(id) {
    const draft = this.drafts.get(this.taskId, draftOf(id));
    const isOurs = this.shown.get(id)?.comment.author?.id === this.store.userId;
    if (!draft || !isOurs || !this.store.mayChange(this.taskId) || this.#goes(id)) return false;
    const text = this.#contentOf(id) ?? '';
    if (draft.text === text) this.drafts.delete(this.taskId, draftOf(id));
    else if (!this.#openEditor(id, draft.text, draft.base ?? text)) this.editors.get(id)?.take(draft.text);
    return true;
  }

  /** @param {number} id @param {string} text @param {string} base what the comment said when the editing began @returns {HTMLTextAreaElement | null} null: it is open already */
  #openEditor(id, text, base) {
    const element = this.shown.get(id)?.element;
    if (!element || this.editors.has(id)) return null;
    const shownText = part(element, 'text');
    const editor = /** @type {HTMLFormElement} */ (clone('comment-editor'));
    const input = /** @type {HTMLTextAreaElement} */ (find(editor, 'textarea'));
    const close = () => {
      this.editors.delete(id);
      editor.remove();
      shownText.hidden = false;
      find(element, '[data-edit-comment]').focus();
    };
    const discard = () => {
      this.drafts.delete(this.taskId, draftOf(id));
      close();
    };
    const keep = () => this.drafts.set(this.taskId, draftOf(id), { text: input.value, base });
    /** If another user changed the comment, their text stands beside ours until one chooses. */
    const paint = () => {
      const theirs = this.#contentOf(id) ?? '';
      const values = [base, input.value].includes(theirs) ? null : { mine: input.value, theirs, mayKeep: this.store.mayChange(this.taskId), title: t('This comment was also changed in another window.'), isText: true };
      const isNew = values !== null && !editor.querySelector('[data-conflict]');
      paintConflict(editor, 'comment', values, choose);
      if (isNew) find(editor, '[data-conflict]').scrollIntoView({ block: 'nearest' });
      return values !== null;
    };
    const choose = (/** @type {import("./conflict.js").Choice} */ choice) => {
      if (choice === 'theirs') return discard();
      base = this.#contentOf(id) ?? '';
      editor.requestSubmit();
    };
    const save = () => {
      if (!input.value.trim()) return input.focus();
      if (paint()) return;
      const now = this.#contentOf(id);
      discard();
      if (input.value !== now) this.edit(id, input.value, base);
    };
    input.value = text;
    input.addEventListener('input', () => {
      keep();
      if (editor.querySelector('[data-conflict]')) paint();
    });
    editor.addEventListener('submit', (event) => {
      event.preventDefault();
      save();
    });
    onKey(editor, (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        if (input.value === this.#contentOf(id)) return discard();
        keep();
        close();
        this.say(t('Your edit is kept. Choose Edit to continue.'));
      }
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && this.store.mayChange(this.taskId)) editor.requestSubmit();
    });
    part(editor, 'cancel').addEventListener('click', discard);
    shownText.hidden = true;
    shownText.after(editor);
    // An edit that was refused, of two in a row: the last one counts, unless the user is writing the next.
    const take = (/** @type {string} */ mine) => {
      if (input !== document.activeElement) input.value = mine;
      paint();
    };
    this.editors.set(id, { paint, take });
    paint();
    return input;
  }

  /** @param {number} id @returns {boolean} whether it is being deleted */
  #goes(id) {
    return this.changed.get(id)?.text === null;
  }

  /** @param {number} id @returns {string | undefined} as one sees it */
  #contentOf(id) {
    return this.changed.get(id)?.text ?? this.shown.get(id)?.comment.content;
  }

  /** @param {number} id */
  #remove(id) {
    this.deleted.add(id);
    this.stale.delete(id);
    this.drafts.delete(this.taskId, draftOf(id));
    const shown = this.shown.get(id);
    if (!shown) return;
    const hadFocus = shown.element.contains(document.activeElement);
    shown.element.remove();
    this.editors.delete(id);
    this.shown.delete(id);
    if (hadFocus) this.input.focus({ preventScroll: true });
    this.#paintStatus();
  }

  /** @param {string} [text] @param {{label: string, act: () => void}} [action] */
  #paintStatus(text, action) {
    const empty = this.loaded && !this.shown.size && !this.outgoing.size;
    this.status.hidden = !text && !empty;
    this.status.textContent = text ?? t('No comments yet');
    if (!action) return;
    const button = document.createElement('button');
    button.className = 'button';
    button.type = 'button';
    button.textContent = action.label;
    button.addEventListener('click', action.act);
    this.status.append(' ', button);
  }
}

/** @param {number} id of a comment @returns {string} under which name its draft is kept */
export function draftOf(id) {
  return `comment.${id}`;
}
