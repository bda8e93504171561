// @ts-check
/** Comments are written, changed and deleted. */

import { restoreComment } from '../page/api.js';
import { Asking, isFinal, isKept } from './asking.js';
import { t } from '../language/language.js';
import { titleLeft } from './leftovers.js';
import { copying } from '../ui/problems.js';
import { quote } from '../language/words.js';

/** @typedef {import("./asking.js").Leftover} Leftover */

export class Commenting extends Asking {
  /** Puts an edit that was refused back into its editor; returns whether that is on the screen. @type {(taskId: number, commentId: number, mine: {text: string, base: string}) => boolean} */
  takeBack = () => false;

  /**
   * @param {number} taskId
   * @param {string} text
   * @param {string} [title] the task's
   */
  add(taskId, text, title = this.titleOf(taskId)) {
    taskId = this.store.idOf(taskId);
    void this.#commented({ taskId, text, title, at: Date.now(), answer: this.client.addComment(taskId, text) });
  }

  /**
   * @param {number} taskId
   * @param {number} commentId an own one
   * @param {string} text
   * @param {string} previous what it said before the user changed it
   * @param {string} [title]
   */
  edit(taskId, commentId, text, previous, title = this.titleOf(taskId)) {
    void this.#commentChanged({ taskId, commentId, text, previous, title, answer: this.client.updateComment(taskId, commentId, text, { previous }) });
  }

  /** @param {number} taskId @param {number} commentId deleted, and offered back for a while @param {string} [title] */
  remove(taskId, commentId, title = this.titleOf(taskId)) {
    const going = this.#commentChanged({ taskId, commentId, text: null, title, answer: this.client.deleteComment(taskId, commentId) });
    const named = { title: quote(title) };
    const words = {
      undo: t('Undo deletion of a comment on {title}', named),
      undone: t('Deletion of a comment on {title} undone', named),
    };
    void this.offerBack(words, going, () => this.#restore(commentId, title), t('Comment deleted'));
  }

  /** @param {number} commentId @param {string} title @returns {Promise<boolean>} */
  async #restore(commentId, title) {
    try {
      await restoreComment(commentId);
      return true;
    } catch (error) {
      this.refused(error, t('Couldn’t restore a comment on {title}.', { title: quote(title) }));
      return false;
    }
  }

  /** @param {Leftover} leftover of a new comment */
  resume({ data, note, at, answer }) {
    void this.#commented({ taskId: data.task_id, text: data.content, title: titleLeft(note), at, answer });
  }

  /** @param {Leftover} leftover of a change or a deletion */
  resumeChange({ data, note, answer }) {
    const { task_id: taskId, comment_id: commentId, content, previous_content: previous } = data;
    void this.#commentChanged({ taskId, commentId, text: content ?? null, previous, title: titleLeft(note), answer });
  }

  /** @param {{taskId: number, text: string, title: string, at: number, answer: Promise<import("../../client/wire.d.ts").Answers["new_comment"]>}} comment */
  async #commented({ taskId, text, title, at, answer }) {
    const outgoing = this.store.addOutgoing(taskId, text, new Date(at).toISOString());
    try {
      const { comment_id: id, duplicate } = await answer;
      // Done over a connection whose answer was lost: its event may have come long ago.
      if (duplicate) this.store.dropOutgoing(outgoing);
      else this.store.nameOutgoing(outgoing, id);
    } catch (error) {
      if (isKept(error)) return;
      this.store.dropOutgoing(outgoing);
      const again = { label: t('Try again'), act: () => this.add(taskId, text, title) };
      this.refused(
        error,
        t('Couldn’t send your comment on {title}: {text}.', { title: quote(title), text: quote(text) }),
        ...(isFinal(error) ? [] : [again]),
        copying(text),
      );
    }
  }

  /** @param {{taskId: number, commentId: number, text: string | null, previous?: string, title: string, answer: Promise<{comment_id: number, comment?: import("../../client/wire.d.ts").CommentObject}>}} change `text` null: deleted @returns {Promise<boolean>} whether it was done */
  async #commentChanged({ taskId, commentId, text, previous = '', title, answer }) {
    const change = this.store.addCommentChange(taskId, commentId, text);
    try {
      this.store.nameCommentChange(change, (await answer).comment ?? null);
      return true;
    } catch (/** @type {any} */ error) {
      if (isKept(error)) return false;
      this.store.dropCommentChange(change);
      if (text !== null && error.code === 'conflict') return this.#conflicted(taskId, commentId, { text, base: previous }, title);
      const isGone = error.code === 'not_found';
      if (text === null && isGone) return false; // another user was faster
      const again = {
        label: t('Try again'),
        act: () => (text === null ? this.remove(taskId, commentId, title) : this.edit(taskId, commentId, text, previous, title)),
      };
      const values = { title: quote(title), text: quote(text ?? '') };
      const refused =
        text === null
          ? t('Couldn’t delete a comment on {title}.', values)
          : t('Couldn’t save your edit of a comment on {title}: {text}.', values);
      this.refused(
        error,
        refused,
        ...(isFinal(error) ? [] : [again]),
        ...(text === null ? [] : [copying(text)]),
      );
      return false;
    }
  }

  /** Another window changed the comment: where its task is open one compares there. @param {number} taskId @param {number} commentId @param {{text: string, base: string}} mine @param {string} title @returns {false} */
  #conflicted(taskId, commentId, mine, title) {
    if (this.takeBack(this.store.idOf(taskId), commentId, mine)) return false;
    const compare = { label: t('Compare'), act: () => this.openTask(taskId) };
    this.problems.report(t('Your comment on {title} was also changed in another window.', { title: quote(title) }), compare, copying(mine.text));
    return false;
  }
}
