// @ts-check
/** What a person can ask for, by duty; and what an earlier page asked for, shown here as if it had been asked for on this one. */

import { Coming } from './coming.js';
import { Commenting } from './commenting.js';
import { Editing } from './editing.js';
import { Labelling } from './labelling.js';
import { Moving } from './moving.js';

/** @typedef {import("./asking.js").Leftover} Leftover */

export class Commands {
  /** @param {import("./asking.js").Parts} parts */
  constructor(parts) {
    this.coming = new Coming(parts);
    this.moving = new Moving(parts);
    this.editing = new Editing(parts);
    this.labelling = new Labelling(parts);
    this.commenting = new Commenting(parts);
  }

  /** @param {Leftover} leftover has no answer so far */
  resume(leftover) {
    RESUMED[leftover.event]?.(this, leftover);
  }
}

/** @type {Record<string, ((commands: Commands, leftover: Leftover) => void) | undefined>} */
const RESUMED = {
  task_create: ({ coming }, leftover) => coming.resumeCreation(leftover),
  task_delete: ({ coming }, leftover) => coming.resumeDeletion(leftover),
  task_restore: ({ coming }, leftover) => coming.resumeRestoring(leftover),
  task_move: ({ moving }, leftover) => moving.resume(leftover),
  task_update: ({ editing, labelling }, leftover) => (isAboutLabels(leftover) ? labelling : editing).resume(leftover),
  new_comment: ({ commenting }, leftover) => commenting.resume(leftover),
  comment_update: ({ commenting }, leftover) => commenting.resumeChange(leftover),
  comment_delete: ({ commenting }, leftover) => commenting.resumeChange(leftover),
};

/** @param {Leftover} leftover of a change of one field @returns {boolean} also of the whole list, as older pages sent it */
function isAboutLabels({ data: { changes } }) {
  return Object.keys(changes).some((field) => field.endsWith('labels'));
}
