// @ts-check
/** The bell and the inbox that it opens: paints the own notifications, newest first, and notices which were looked at. */

import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { t, tn } from '../language/language.js';
import { describe } from './notices.js';
import { createAvatar } from '../people/people.js';
import { onKey } from '../ui/keys.js';
import { ago, exact } from '../language/time.js';
import { explain } from '../language/words.js';

/**
 * @typedef {import("./inbox.js").Notification} Notification
 * @typedef {import("./notices.js").Notice} Notice
 * @typedef {{label: string, act: () => void}} Action
 */

const MOST = 99; // on the bell; more is "99+"

export class InboxPanel {
  /**
   * @param {{
   *   notifications: import("./notifications.js").Notifications, names: import("./notices.js").Names,
   *   follow: (notification: Notification, notice: Notice) => boolean,
   *   snoozes: (notification: Notification) => Action[], openSettings: () => void, prepare: () => Promise<void>,
   * }} parts `follow` shows what a notification is about on this very page, where it can; `prepare` fetches the names
   *   that sentences need
   */
  constructor({ notifications, names, follow, snoozes, openSettings, prepare }) {
    this.notifications = notifications;
    this.names = names;
    this.follow = follow;
    this.snoozes = snoozes;
    this.prepare = prepare;
    this.bell = find(document, '[data-unread]');
    this.root = find(document, '[data-inbox]');
    this.list = find(this.root, '[data-inbox-list]');
    /** Numbers past this were unread when the inbox was opened, and stay marked while it is. */
    this.newAfter = 0;
    /** @type {Map<number, {element: HTMLElement, notification: Notification}>} by number */
    this.shown = new Map();
    this.watcher = new IntersectionObserver((entries) => this.#looked(entries), { root: this.root, threshold: 0.6 });
    this.bell.addEventListener('click', () => (this.isOpen ? this.close() : this.open()));
    find(this.root, '[data-close-inbox]').addEventListener('click', () => this.close());
    find(this.root, '[data-read-all]').addEventListener('click', () => {
      notifications.markAllRead();
      this.newAfter = notifications.inbox.head;
      this.paint();
      this.root.focus();
    });
    find(this.root, '[data-inbox-more]').addEventListener('click', () => void notifications.load());
    find(this.root, '[data-open-settings]').addEventListener('click', () => {
      this.close();
      openSettings();
    });
    onKey(window, (event) => this.#closeOnEscape(event), true);
    addEventListener('pointerdown', (event) => this.#closeOutside(event.target), true);
    document.addEventListener('visibilitychange', () => this.#lookAgain());
  }

  /** @returns {boolean} */
  get isOpen() {
    return !this.root.hidden;
  }

  /** @returns {boolean} whether the user is likely to see it */
  get isLookedAt() {
    return this.isOpen && !document.hidden;
  }

  open() {
    this.newAfter = this.notifications.inbox.readUpTo;
    this.root.hidden = false;
    this.bell.setAttribute('aria-expanded', 'true');
    this.root.focus({ preventScroll: true });
    this.prepare().then(() => this.paint());
    if (!this.notifications.inbox.isLoaded) void this.notifications.load();
    this.paint();
    this.#lookAgain();
  }

  close() {
    if (!this.isOpen) return;
    const hadFocus = this.root.contains(document.activeElement) || document.activeElement === document.body;
    this.root.hidden = true;
    this.bell.setAttribute('aria-expanded', 'false');
    if (hadFocus) this.bell.focus();
  }

  paint() {
    this.#paintBell();
    if (!this.isOpen) return;
    const { inbox, isLoading, error } = this.notifications;
    const now = new Date();
    find(this.root, '[data-read-all]').hidden = this.notifications.unread === 0;
    find(this.root, '[data-inbox-more]').hidden = !inbox.next || isLoading || error !== null;
    const numbers = new Set(inbox.items.map(({ seq }) => seq));
    for (const [seq, { element }] of this.shown) {
      if (numbers.has(seq)) continue;
      this.watcher.unobserve(element);
      element.remove();
      this.shown.delete(seq);
    }
    inbox.items.forEach((notification, index) => {
      const element = this.#item(notification);
      this.#paintItem(element, notification, now);
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
    this.#paintStatus();
  }

  #paintBell() {
    const { unread } = this.notifications;
    setAttribute(this.bell, 'data-unread', String(unread));
    setText(find(this.bell, '[data-bell-label]'), unread ? tn(unread, 'Notifications, {count} unread', 'Notifications, {count} unread') : t('Notifications'));
    const count = find(this.bell, '[data-bell-count]');
    count.hidden = unread === 0;
    setText(count, unread > MOST ? `${MOST}+` : String(unread));
  }

  #paintStatus() {
    const { inbox, isLoading, error } = this.notifications;
    const status = find(this.root, '[data-inbox-status]');
    const state = isLoading ? 'loading' : error ? 'error' : inbox.isLoaded && !inbox.items.length ? 'empty' : '';
    if (status.dataset.state === state) return;
    status.dataset.state = state;
    status.replaceChildren();
    if (state === 'loading') status.append(paragraph(t('Loading…')));
    if (state === 'empty')
      status.append(
        paragraph(t('You’re all caught up'), 'inbox__blank-title'),
        paragraph(t('Mentions, comments, assignments and due date reminders appear here.')),
      );
    if (state !== 'error') return;
    const again = document.createElement('button');
    again.type = 'button';
    again.className = 'button button--outline';
    again.textContent = t('Try again');
    again.addEventListener('click', () => void this.notifications.load());
    status.append(paragraph(`${t('Couldn’t load your notifications.')} ${explain(error)}`), again);
  }

  /** @param {Notification} notification @returns {HTMLElement} */
  #item(notification) {
    const { seq } = notification;
    const known = this.shown.get(seq);
    if (known) return known.element;
    const element = clone('notice');
    element.dataset.notificationSeq = String(seq);
    part(element, 'link').addEventListener('click', (event) => this.#followed(/** @type {MouseEvent} */ (event), seq));
    this.watcher.observe(element);
    return element;
  }

  /** @param {HTMLElement} element @param {Notification} notification @param {Date} now */
  #paintItem(element, notification, now) {
    const { seq, at } = notification;
    const isNew = seq > this.newAfter;
    setAttribute(element, 'data-new', isNew ? '' : null);
    part(element, 'new').hidden = !isNew;
    const time = part(element, 'time');
    setText(time, ago(at, now));
    if (this.shown.get(seq)?.notification !== notification) {
      time.setAttribute('datetime', at);
      time.title = exact(at);
    }
    this.shown.set(seq, { element, notification });
    const notice = describe(notification, this.names);
    setText(part(element, 'text'), notice.text);
    setText(part(element, 'excerpt'), notice.excerpt);
    part(element, 'excerpt').hidden = !notice.excerpt;
    element.classList.toggle('notice--gone', notice.isGone);
    setAttribute(part(element, 'link'), 'href', notice.href);
    paintAvatar(part(element, 'avatar'), notice);
    this.#paintTools(part(element, 'tools'), notification, notice.isReminder);
  }

  /** @param {HTMLElement} tools @param {Notification} notification @param {boolean} isReminder */
  #paintTools(tools, notification, isReminder) {
    tools.hidden = !isReminder;
    if (!isReminder) return tools.replaceChildren();
    if (tools.childElementCount) return;
    for (const { label, act } of this.snoozes(notification)) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'button button--outline';
      button.textContent = label;
      button.addEventListener('click', act);
      tools.append(button);
    }
  }

  /** @param {MouseEvent} event @param {number} seq */
  #followed(event, seq) {
    const notification = this.shown.get(seq)?.notification;
    if (!notification) return;
    this.notifications.look(seq);
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!this.follow(notification, describe(notification, this.names))) return;
    event.preventDefault();
    this.root.hidden = true;
    this.bell.setAttribute('aria-expanded', 'false');
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #looked(entries) {
    for (const { target, isIntersecting } of entries) {
      const element = /** @type {HTMLElement} */ (target);
      element.toggleAttribute('data-in-view', isIntersecting);
      if (isIntersecting && this.isLookedAt) this.notifications.look(Number(element.dataset.notificationSeq));
    }
  }

  /** What is in view was not looked at while the tab was hidden, or the inbox closed. */
  #lookAgain() {
    if (!this.isLookedAt) return;
    for (const [seq, { element }] of this.shown) if (element.hasAttribute('data-in-view')) this.notifications.look(seq);
  }

  /** @param {KeyboardEvent} event */
  #closeOnEscape(event) {
    if (event.key !== 'Escape' || !this.isOpen || document.querySelector('dialog[open], [role=menu]')) return;
    event.preventDefault();
    event.stopPropagation();
    this.close();
  }

  /** @param {EventTarget | null} target */
  #closeOutside(target) {
    if (!this.isOpen || !(target instanceof Element)) return;
    if (!target.closest('[data-inbox], [data-unread], [data-toasts], dialog, [role=menu]')) this.close();
  }
}

/** @param {HTMLElement} holder @param {Notice} notice */
function paintAvatar(holder, { who, isReminder }) {
  const wanted = who ? `user ${who.id} ${who.name}` : isReminder ? 'clock' : 'none';
  if (holder.dataset.shows === wanted) return;
  holder.dataset.shows = wanted;
  holder.replaceChildren(who ? createAvatar(who, { large: true }) : clone('notice-icon'));
}

/** @param {string} text @param {string} [name] @returns {HTMLElement} */
function paragraph(text, name = '') {
  const element = document.createElement('p');
  element.className = name;
  element.textContent = text;
  return element;
}
