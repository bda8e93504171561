/** What the handlers of `TaskManagerWebSocket.on` get, by name: the events of the wire, and the client's own. */

import type { TaskManagerError } from "./envelope.js";
import type { Kept } from "./outbox.js";
import type { Answers, ClientEvents, ConnectionEvents, EphemeralEvents, LoggedEvents, LoggedFrame, PresentUser, ProjectJoined, RemovedFromRoom, RoomJoined, UserPresence } from "./wire.d.ts";

import type { Change } from "./records.js";

type LoggedData = LoggedFrame["data"];

type State = "connecting" | "live" | "catching-up" | "polling" | "offline" | "closed";

/** The state, and why there is no connection; `code` is an error's, or that of the socket's close. */
export interface Status {
  state: State;
  reason: string | null;
  code: string | number | null;
  /** The time of the next attempt in milliseconds; null: none is planned. */
  retryAt: number | null;
}

/** The events that `request` sends: all but those with which the client keeps the connection and its rooms. */
export type RequestName = Exclude<keyof ClientEvents, "connect" | "token_refresh" | "join_project" | "leave_project" | "join_room" | "leave_room">;

export type AnswerTo<Name> = Name extends keyof Answers ? Answers[Name] : Record<string, unknown>;

/** What the client finds out itself, or says in another way than the wire. */
interface OwnSignals {
  state: State;
  /** The state again, or with another reason, code or time of the next attempt. */
  status: Status;
  /** Every logged event of a joined project. */
  event: LoggedData;
  /** An event of the user room; `kind` is its name. */
  notification: LoggedData & { kind: LoggedFrame["event"] };
  unread: number;
  joined: ProjectJoined;
  /** `project_id` null: the user room. */
  reset: { project_id: number | null; room: string; seq: number; epoch: string };
  presence: { project_id: number; users: readonly PresentUser[] };
  /** Of one user at a time. */
  user_presence: UserPresence;
  error: TaskManagerError;
  /** How many changes have no answer so far. */
  waiting: number;
  /** What earlier pages asked for, each with the answer that it gets now. */
  recovered: readonly (Omit<Kept, "key"> & { answer: Promise<any> })[];
}

export type Signals = Omit<LoggedEvents & EphemeralEvents & ConnectionEvents, keyof OwnSignals> & OwnSignals;

/** The frame that came; for what the client found out itself there is none. */
type FrameOf<Name> = Name extends "state" ? Status : Name extends "event" | "notification" ? LoggedFrame : Extract<LoggedFrame, { event: Name }>;

/** What the client itself finds out about a room; the events of its log come from the server. */
export interface RoomSignals {
  /** Every logged event of the room. */
  event: Record<string, unknown>;
  /** The records of a model changed; comes only after `records` was called. */
  change: Readonly<Change>;
  joined: RoomJoined;
  reset: { room: string; seq: number; epoch: string };
  removed_from_room: RemovedFromRoom;
  error: TaskManagerError;
}

type RoomFrame = { event: string; data: Record<string, unknown>; room: string; seq: number; at: string };

/** Events of names that a project chose itself have data of their own. */
export type RoomHandler<Name extends string> = (
  data: Name extends keyof RoomSignals ? RoomSignals[Name] : Name extends keyof LoggedEvents ? LoggedEvents[Name] : Record<string, unknown>,
  frame: RoomFrame,
) => void;

export type Handler<Name extends keyof Signals> = (data: Signals[Name], frame: FrameOf<Name>) => void;
