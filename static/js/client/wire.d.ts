// Generated from the AsyncAPI and OpenAPI documents by "make js-build": change the catalogue, not this file.

export type ErrorCode = "invalid_message" | "unknown_event" | "invalid_data" | "unauthenticated" | "token_invalid" | "token_expired" | "not_found" | "forbidden" | "conflict" | "rate_limited" | "internal";

export type InvitedRole = "member" | "viewer";

export type LabelColor = "blue" | "green" | "grey" | "orange" | "purple" | "red" | "teal" | "yellow";

export type NotificationKind = "comment_added" | "due_date_reminder" | "project_member_added" | "task_assigned";

export type PresentStatus = "busy" | "idle" | "online";

export type Priority = "high" | "low" | "medium" | "urgent";

export type Reason = "assignee" | "creator" | "mention" | "participant";

export type ReminderKind = "due_soon" | "overdue";

export type Role = "member" | "owner" | "viewer";

export type Status = "completed" | "in_progress" | "review" | "todo";

export type TypedField = "description" | "title";

/** A short-lived token for requests and sockets. */
export interface AccessToken {
  access: string;
}

/** The user that did something. */
export interface Actor {
  id: number;
  username: string;
}

/** The answer to a command, sent once it is committed. */
export interface Answer {
  duplicate?: true;
}

/** How many tasks went to the archive, and whether there are more to put there. */
export interface Archived {
  duplicate?: true;
  archived: number;
  more: boolean;
}

/** The users that cannot add the caller to projects, the first blocked first. */
export interface BlockList {
  blocks: readonly BlockObject[];
}

/** A user that cannot add the caller to projects. */
export interface BlockObject {
  user: UserObject;
  created_at: string;
}

/** The snapshot that `since` continues from: exactly the state after event `seq`. */
export interface Board {
  project: ProjectObject;
  members: readonly MemberObject[];
  tasks: readonly TaskObject[];
  seq: number;
  epoch: string;
}

/** A comment was added to a task: its `comment_count` is one more. */
export interface CommentAdded {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  comment: CommentObject;
  task_id: number;
  project_id: number;
  reason?: Reason;
  restored?: true;
}

/** The comment that something was done with. */
export interface CommentAnswer {
  duplicate?: true;
  comment_id: number;
  task_id: number;
  project_id: number;
}

/** A comment was deleted: its task's `comment_count` is one less. */
export interface CommentDeleted {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  comment_id: number;
  task_id: number;
  project_id: number;
}

/** A comment. */
export interface CommentDetail {
  id: number;
  task_id: number;
  project_id: number;
  author: UserObject | null;
  content: string;
  content_html: string;
  created_at: string;
  updated_at: string;
  duplicate?: true;
}

/** A comment. */
export interface CommentObject {
  id: number;
  task_id: number;
  project_id: number;
  author: UserObject | null;
  content: string;
  content_html: string;
  created_at: string;
  updated_at: string;
}

/** One page of comments. */
export interface CommentPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly CommentObject[];
}

/** Change a comment of the caller's own. */
export interface CommentUpdateBody {
  content: string;
  previous_content?: string;
}

/** A comment was edited. */
export interface CommentUpdated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  comment: CommentObject;
  task_id: number;
  project_id: number;
}

/** Sign in by message, or resume the own user room. */
export interface Connect {
  token?: string;
  since?: number | null;
  epoch?: string | null;
}

/** The connection is signed in; the first frame of every connection. */
export interface Connected {
  session: string;
  user: UserObject;
  server_time: string;
  token_expires_at: string;
  ping_interval: number;
  room: string;
  seq: number;
  epoch: string;
  reset: boolean;
  unread: number;
  protocol: 1;
}

/** A user's name and password. */
export interface Credentials {
  username: string;
  password: string;
}

/** Something that was deleted in a project, and that the caller can restore. It has what belongs to its kind. */
export interface Deleted {
  kind: "comment" | "label" | "member" | "task";
  deleted_at: string;
  by: UserObject | null;
  id: number;
  task_id?: number;
  title?: string;
  content?: string;
  author?: UserObject | null;
  name?: string;
  color?: LabelColor;
  user?: UserObject;
  role?: Role;
}

/** The last hundred of what was deleted in a project and the caller can restore, the last deleted first. */
export interface DeletedList {
  deleted: readonly Deleted[];
}

/** A project that was deleted, and that the caller can restore. */
export interface DeletedProject {
  id: number;
  name: string;
  deleted_at: string;
  by: UserObject | null;
}

/** The deleted projects that the caller owned, the last deleted first. */
export interface DeletedProjectList {
  projects: readonly DeletedProject[];
}

/** A task is due soon, or overdue: to its assignee, or to its creator if there is none. */
export interface DueDateReminder {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task_id: number;
  project_id: number;
  title: string;
  due_at: string;
  kind: ReminderKind;
}

/** What went wrong, for programs (`code`) and readers (`message`). */
export interface ErrorData {
  code: ErrorCode;
  message: string;
  /** Any JSON. */
  details?: unknown;
  retry_after?: number | null;
}

/** What the log holds after `since`. */
export interface Events {
  events: readonly LoggedFrame[];
  seq: number;
  head: number;
  epoch: string;
  reset: boolean;
}

/** A task that a search found, in short. */
export interface FoundTask {
  id: number;
  title: string;
  status: Status;
  updated_at: string;
  archived_at?: string;
}

/** The server is about to end, and closes with 1012. */
export interface GoingAway {
  reconnect_in_ms: number;
}

/** Create a link by which users join a project. */
export interface InvitationCreateBody {
  role?: InvitedRole;
  expires_in_hours?: number;
  max_uses?: number | null;
}

/** A link by which users join a project; its secret was shown to its maker only. */
export interface InvitationObject {
  id: number;
  role: InvitedRole;
  created_by: UserObject;
  created_at: string;
  expires_at: string;
  max_uses: number | null;
  uses: number;
}

/** One page of valid links. */
export interface InvitationPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly InvitationObject[];
}

/** Subscribe to a project, from `since` on if it is given. */
export interface JoinProject {
  project_id: number;
  since?: number | null;
  epoch?: string | null;
}

/** Subscribe to a room of whatever kind, from `since` on if it is given. */
export interface JoinRoom {
  room: string;
  since?: number | null;
  epoch?: string | null;
}

/** Create a label for the project's tasks. */
export interface LabelCreateBody {
  name: string;
  color: LabelColor;
}

/** A label. */
export interface LabelDetail {
  id: number;
  name: string;
  color: LabelColor;
  duplicate?: true;
}

/** A label of a project, which its tasks may carry. */
export interface LabelObject {
  id: number;
  name: string;
  color: LabelColor;
}

/** Rename a label, or give it another colour, on all tasks that carry it. */
export interface LabelUpdateBody {
  name?: string;
  color?: LabelColor;
}

/** Unsubscribe from a project. */
export interface LeaveProject {
  project_id: number;
}

/** Unsubscribe from a room. */
export interface LeaveRoom {
  room: string;
}

/** How the caller leaves. */
export interface Leaving {
  block?: boolean;
}

/** A place of a task that has words of a search. */
export interface Match {
  where: "comment" | "description" | "title";
  comment_id?: number;
  excerpt: string;
  spans: readonly Span[];
}

/** The caller, with their preferences. */
export interface Me {
  id: number;
  username: string;
  name: string;
  email: string;
  timezone: string;
  remind_before_hours: number;
  notify: Record<NotificationKind, boolean>;
  ask_first: boolean;
  muted_projects: readonly number[];
  duplicate?: true;
}

/** Changes what is given of the caller's name and preferences, and leaves the rest. */
export interface MeChange {
  name?: string;
  timezone?: string;
  remind_before_hours?: number | null;
  notify?: Wanted;
  ask_first?: boolean;
  email?: string;
  muted_projects?: readonly number[];
  password?: string;
}

/** Add a user to a project. Slower, since it reveals which names exist. */
export interface MemberAddBody {
  username: string;
  role?: Role;
}

/** The member that something was done with. */
export interface MemberAnswer {
  duplicate?: true;
  project_id: number;
  user_id: number;
  requested?: true;
}

/** A member. */
export interface MemberDetail {
  user: UserObject;
  role: Role;
  duplicate?: true;
}

/** A user's place in a project. */
export interface MemberObject {
  user: UserObject;
  role: Role;
}

/** One page of members. */
export interface MemberPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly MemberObject[];
}

/** Give a member another role. */
export interface MemberUpdateBody {
  role: Role;
}

/** Comment on a task. */
export interface NewComment {
  task_id: number;
  content: string;
}

/** Comment on a task. */
export interface NewCommentBody {
  content: string;
}

/** A new link, shown in full only here. */
export interface NewInvitation {
  id: number;
  role: InvitedRole;
  created_by: UserObject;
  created_at: string;
  expires_at: string;
  max_uses: number | null;
  uses: number;
  url: string;
}

/** One page of the own notifications, newest first, and where the own room stood at that moment. */
export interface NotificationPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly NotificationFrame[];
  seq: number;
  epoch: string;
  unread: number;
}

/** Mark all notifications up to this one as read; the mark never goes back. */
export interface NotificationsRead {
  up_to: number;
}

/** The user read notifications, here or in another tab or device. */
export interface NotificationsWereRead {
  up_to: number;
  unread: number;
}

/** The user is no longer staff, and gets no more figures. */
export interface OpsEnded {
}

/** The server's figures, for staff that subscribed with `ops_watch`. */
export interface OpsFigures {
  server_time: string;
  processes: readonly ProcessFigures[];
  projects: readonly OpsProject[];
}

/** A project with users in it, as staff see it: users over all processes, and their connections that joined. */
export interface OpsProject {
  project_id: number;
  name: string;
  people: number;
  connections: number;
}

/** Subscribe staff to the server's figures, or unsubscribe them; for all others there is no such event. */
export interface OpsWatch {
  watching: boolean;
}

/** Whether this connection gets the server's figures, and how often. */
export interface OpsWatched {
  duplicate?: true;
  watching: boolean;
  every: number;
}

/** Check the connection. Answered by `pong` with the same data. */
export interface Ping {
}

/** The ping's data, and the server's time. */
export interface Pong {
  server_time: string;
}

/** Set the user's status at this connection; over all of the user's connections, busy beats online beats idle. */
export interface PresenceUpdate {
  status: PresentStatus;
}

/** The connection's status. */
export interface PresenceUpdated {
  duplicate?: true;
  status: PresentStatus;
}

/** A user that is in a project now. */
export interface PresentUser {
  user_id: number;
  status: PresentStatus;
}

/** One server process. Counters count since its start. */
export interface ProcessFigures {
  process: string;
  host: string;
  pid: number;
  started_at: string;
  silent_for?: number;
  draining: boolean;
  sees_database: boolean;
  sees_redis: boolean | null;
  memory_bytes: number | null;
  cpu_seconds: number;
  loop_lag: number;
  connections: number;
  client_events: number;
  events: number;
  deliveries: number;
  slow_readers: number;
  floods: number;
  errors: Record<string, number>;
  rings_lost: number;
  gaps_filled: number;
  lag: Record<string, number>;
}

/** A project that something was done with. */
export interface ProjectAnswer {
  duplicate?: true;
  project_id: number;
}

/** Fields of a project with their values; only the ones that changed. */
export interface ProjectChanges {
  name?: string;
  labels?: readonly LabelObject[];
}

/** Create a project, owned by the caller. */
export interface ProjectCreate {
  name: string;
}

/** A project, and the caller's role in it. */
export interface ProjectDetail {
  id: number;
  name: string;
  created_at: string;
  labels?: readonly LabelObject[];
  role: Role;
  added_by?: UserObject;
  duplicate?: true;
}

/** Make a member an owner, and then stay one, step down or leave: all of it, or nothing. */
export interface ProjectHandOverBody {
  user_id: number;
  then?: "leave" | "member" | "stay" | "viewer";
}

/** Where the log stands; what was missed follows. */
export interface ProjectJoined {
  duplicate?: true;
  project_id: number;
  room: string;
  seq: number;
  epoch: string;
  reset: boolean;
  presence: readonly PresentUser[];
}

/** A user joined the project. */
export interface ProjectMemberAdded {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  project_id: number;
  user: UserObject;
  role: Role;
  restored?: true;
}

/** A user left the project, and receives nothing of it after this event. */
export interface ProjectMemberRemoved {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  project_id: number;
  user_id: number;
}

/** An owner wants to add this user, whose consent is needed: sent to this user alone. */
export interface ProjectMemberRequested {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  project: ProjectName;
  role: Role;
}

/** A member has another role. */
export interface ProjectMemberUpdated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  project_id: number;
  user_id: number;
  role: Role;
}

/** A project, as shown to users that are not in it. */
export interface ProjectName {
  id: number;
  name: string;
}

/** A project. */
export interface ProjectObject {
  id: number;
  name: string;
  created_at: string;
  labels?: readonly LabelObject[];
}

/** One page of projects. */
export interface ProjectPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly ProjectDetail[];
}

/** Rename a project. */
export interface ProjectUpdateBody {
  name: string;
}

/** The project itself changed. */
export interface ProjectUpdated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  project_id: number;
  changes: ProjectChanges;
  previous?: ProjectChanges;
}

/** A user may no longer read the room; the last event that this user gets of it. */
export interface ReaderRemoved {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  user_id: number | null;
}

/** A row is new in the room: it was created, or moved there. */
export interface RecordCreated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  model: string;
  id: number | string;
  truncated?: true;
  record?: Record<string, unknown>;
}

/** A row is gone from the room. */
export interface RecordDeleted {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  model: string;
  id: number | string;
  truncated?: true;
  moved?: boolean;
}

/** Fields of a row changed. */
export interface RecordUpdated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  model: string;
  id: number | string;
  truncated?: true;
  changes?: Record<string, unknown>;
  previous?: Record<string, unknown>;
}

/** A refresh token, good for one use. */
export interface RefreshRequest {
  refresh: string;
}

/** Have a reminder come again after so many minutes, once, if it still fits then. */
export interface ReminderSnoozeBody {
  minutes: number;
}

/** The membership ended or the project is gone; its room was left. */
export interface RemovedFromProject {
  project_id: number;
}

/** The right to read a room ended, or what it is about is gone; the room was left. */
export interface RemovedFromRoom {
  room: string;
}

/** Decline to join a project to which an owner wants to add the caller. */
export interface RequestDeclineBody {
  block?: boolean;
}

/** The requests that wait for the caller's answer, oldest first. */
export interface RequestList {
  requests: readonly RequestObject[];
}

/** A project to which an owner wants to add the caller. */
export interface RequestObject {
  project: ProjectName;
  role: Role;
  asked_by: UserObject;
  created_at: string;
}

/** The room that something was done with. */
export interface RoomAnswer {
  duplicate?: true;
  room: string;
}

/** Where a joined room stands; the missed events follow, then new ones. */
export interface RoomJoined {
  duplicate?: true;
  room: string;
  seq: number;
  epoch: string;
  reset: boolean;
}

/** The records of a room after its event `seq`. */
export interface RoomSnapshot {
  room: string;
  seq: number;
  epoch: string;
  records: Record<string, readonly (Record<string, unknown>)[]>;
}

/** A task that has all words of a search, and where. */
export interface SearchHit {
  project: ProjectName;
  task: FoundTask;
  matches: readonly Match[];
}

/** One page of what a search found: at most the first thousand. */
export interface SearchPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly SearchHit[];
}

/** An invitation's secret, which proves that the user was sent it. */
export interface Secret {
  secret: string;
}

/** The places where a user is signed in, the latest used first. */
export interface SignInList {
  sessions: readonly SignInObject[];
}

/** A place where a user is signed in. */
export interface SignInObject {
  id: string;
  kind: "browser" | "token";
  agent: string;
  address: string | null;
  created_at: string;
  used_at: string;
  current: boolean;
}

/** When the reminder comes again. */
export interface Snoozed {
  duplicate?: true;
  seq: number;
  remind_at: string;
}

/** A match in an excerpt, in characters (Unicode code points, from 0 on). */
export interface Span {
  start: number;
  end: number;
}

/** The task as it is now. */
export interface TaskAnswer {
  duplicate?: true;
  task: TaskObject;
  redacted?: boolean;
}

/** Follows the `task_updated` that changed a task's assignee, or removed it. */
export interface TaskAssigned {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task_id: number;
  project_id: number;
  title: string;
  assignee_id: number | null;
  previous_assignee_id: number | null;
  version: number;
}

/** The fields to change, and the `version` that the user was looking at. */
export interface TaskChange {
  title?: string;
  description?: string;
  status?: Status;
  priority?: Priority;
  assignee_id?: number | null;
  due_at?: string | null;
  labels?: readonly number[];
  add_labels?: readonly number[];
  remove_labels?: readonly number[];
  version?: number | null;
}

/** Fields of a task with their values; only the ones that changed. */
export interface TaskChanges {
  title?: string;
  description?: string;
  status?: Status;
  priority?: Priority;
  assignee_id?: number | null;
  due_at?: string | null;
  position?: string;
  created_by_id?: number | null;
  labels?: readonly number[];
}

/** Create a task at the end of its column. */
export interface TaskCreate {
  project_id: number;
  title: string;
  description?: string;
  status?: Status;
  priority?: Priority;
  assignee_id?: number | null;
  due_at?: string | null;
  labels?: readonly number[];
}

/** A task is new on the board. */
export interface TaskCreated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task: TaskObject;
}

/** Take a task off the board; it can be restored for a while. */
export interface TaskDelete {
  task_id: number;
}

/** A task left the board; its comments go with it and are not announced one by one. */
export interface TaskDeleted {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task_id: number;
  project_id: number;
  archived?: true;
}

/** A task, with its description as sanitised HTML. */
export interface TaskDetail {
  id: number;
  project_id: number;
  title: string;
  description: string;
  status: Status;
  priority: Priority;
  assignee_id: number | null;
  due_at: string | null;
  position: string;
  comment_count: number;
  created_by_id: number | null;
  created_at: string;
  updated_at: string;
  version: number;
  labels?: readonly number[];
  description_html: string;
  archived_at?: string;
  added_labels?: readonly number[];
  removed_labels?: readonly number[];
  previous?: TaskPlace;
  redacted?: boolean;
  duplicate?: true;
}

/** What can be changed of a task: its fields; and single labels, whatever other users do to the rest of them. */
export interface TaskEdit {
  title?: string;
  description?: string;
  status?: Status;
  priority?: Priority;
  assignee_id?: number | null;
  due_at?: string | null;
  labels?: readonly number[];
  add_labels?: readonly number[];
  remove_labels?: readonly number[];
}

/** The task that was deleted. */
export interface TaskGone {
  duplicate?: true;
  task_id: number;
  project_id: number;
}

/** Put a task before or after another one of a column, or at the column's end. */
export interface TaskMove {
  task_id: number;
  status?: Status;
  before_id?: number | null;
  after_id?: number | null;
  or_after_id?: number | null;
  tell_previous?: boolean;
}

/** Put a task before or after another one of a column, or at the column's end. */
export interface TaskMoveBody {
  status?: Status;
  before_id?: number | null;
  after_id?: number | null;
  or_after_id?: number | null;
  tell_previous?: boolean;
}

/** Where the task is now. */
export interface TaskMoved {
  duplicate?: true;
  task_id: number;
  project_id: number;
  status: Status;
  position: string;
  version: number;
  previous?: TaskPlace;
}

/** A task, as every interface shows it. */
export interface TaskObject {
  id: number;
  project_id: number;
  title: string;
  description: string;
  status: Status;
  priority: Priority;
  assignee_id: number | null;
  due_at: string | null;
  position: string;
  comment_count: number;
  created_by_id: number | null;
  created_at: string;
  updated_at: string;
  version: number;
  labels?: readonly number[];
}

/** One page of tasks. */
export interface TaskPage {
  count: number;
  next: string | null;
  previous: string | null;
  results: readonly TaskObject[];
}

/** Where a task stands. */
export interface TaskPlace {
  status: Status;
  position: string;
}

/** Bring a deleted or archived task back. */
export interface TaskRestore {
  task_id: number;
}

/** A deleted or archived task is back, as it was. */
export interface TaskRestored {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task: TaskObject;
}

/** The task's column and new version. */
export interface TaskStatusAnswer {
  duplicate?: true;
  task_id: number;
  project_id: number;
  status: Status;
  version: number;
}

/** Follows the `task_updated` that moved a task to another column. */
export interface TaskStatusChanged {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task_id: number;
  project_id: number;
  old_status: Status;
  new_status: Status;
  version: number;
}

/** Move a task to another column, keeping its position. */
export interface TaskStatusUpdate {
  task_id: number;
  status: Status;
  version?: number | null;
}

/** Move a task to another column, keeping its position. */
export interface TaskStatusUpdateBody {
  status: Status;
  version?: number | null;
}

/** Change fields of a task; `version` is the one that the user was looking at. */
export interface TaskUpdate {
  task_id: number;
  changes: TaskEdit;
  version?: number | null;
}

/** Fields of a task changed; `updated_at` is the event's `at`. */
export interface TaskUpdated {
  by: Actor | null;
  redacted?: true;
  replaced?: true;
  task_id: number;
  project_id: number;
  changes: TaskChanges;
  previous: TaskChanges;
  version: number;
}

/** The task's new version. */
export interface TaskVersion {
  duplicate?: true;
  task_id: number;
  project_id: number;
  version: number;
  added_labels?: readonly number[];
  removed_labels?: readonly number[];
}

/** The users that have a task's panel open now. */
export interface TaskViewers {
  project_id: number;
  task_id: number;
  user_ids: readonly number[];
}

/** Set the task whose panel is open at this connection; null: none. Others see it while the project is joined. */
export interface TaskViewing {
  task_id: number | null;
}

/** A short-lived token for requests and sockets, and one to get the next pair with, once. */
export interface TokenPair {
  access: string;
  refresh: string;
}

/** Go on with a fresh access token of the same user. */
export interface TokenRefresh {
  token: string;
}

/** Until when the connection may now live. */
export interface TokenRefreshed {
  duplicate?: true;
  token_expires_at: string;
}

/** How many notifications are unread. */
export interface Unread {
  duplicate?: true;
  unread: number;
}

/** A user. */
export interface UserObject {
  id: number;
  username: string;
  name: string;
}

/** A user's presence in a project changed. */
export interface UserPresence {
  project_id: number;
  user_id: number;
  status: PresentStatus | "offline";
  last_seen_at: string;
}

/** Report that the user types here, still types, or no longer does; not renewed it ends after 6 s. Without a field it is a comment that is typed. */
export interface UserTyping {
  task_id: number;
  is_typing: boolean;
  field?: TypedField;
}

/** A user began or ended to type a comment, or in the field that is named; not sent to that user. */
export interface UserTypingStatus {
  project_id: number;
  task_id: number;
  user: UserObject;
  is_typing: boolean;
  field?: TypedField;
}

/** The presence of several users in a project changed within a moment; its name is `user_presence`, too. */
export interface UsersPresence {
  project_id: number;
  users: readonly UserPresence[];
}

/** Which kinds of notifications are wanted; only the ones that are given. */
export interface Wanted {
  task_assigned?: boolean;
  comment_added?: boolean;
  project_member_added?: boolean;
  due_date_reminder?: boolean;
}

/** Events of the logs of projects and users, by name. */
export interface LoggedEvents {
  task_created: TaskCreated;
  task_restored: TaskRestored;
  task_updated: TaskUpdated;
  task_status_changed: TaskStatusChanged;
  task_assigned: TaskAssigned;
  task_deleted: TaskDeleted;
  comment_added: CommentAdded;
  comment_updated: CommentUpdated;
  comment_deleted: CommentDeleted;
  project_member_added: ProjectMemberAdded;
  project_member_updated: ProjectMemberUpdated;
  project_member_removed: ProjectMemberRemoved;
  project_updated: ProjectUpdated;
  project_member_requested: ProjectMemberRequested;
  due_date_reminder: DueDateReminder;
  reader_removed: ReaderRemoved;
  record_created: RecordCreated;
  record_updated: RecordUpdated;
  record_deleted: RecordDeleted;
}

/** Events that are never replayed, by name. */
export interface EphemeralEvents {
  user_presence: UserPresence | UsersPresence;
  user_typing_status: UserTypingStatus;
  task_viewers: TaskViewers;
  notifications_read: NotificationsWereRead;
}

/** What is said to one connection, by the event's name. */
export interface ConnectionEvents {
  connected: Connected;
  removed_from_project: RemovedFromProject;
  removed_from_room: RemovedFromRoom;
  going_away: GoingAway;
  ops_figures: OpsFigures;
  ops_ended: OpsEnded;
  error: ErrorData;
  pong: Pong;
}

/** What a client may send, by the event's name. */
export interface ClientEvents {
  connect: Connect;
  join_room: JoinRoom;
  leave_room: LeaveRoom;
  ping: Ping;
  token_refresh: TokenRefresh;
  join_project: JoinProject;
  leave_project: LeaveProject;
  presence_update: PresenceUpdate;
  user_typing: UserTyping;
  task_viewing: TaskViewing;
  ops_watch: OpsWatch;
  task_create: TaskCreate;
  task_update: TaskUpdate;
  task_status_update: TaskStatusUpdate;
  task_move: TaskMove;
  task_delete: TaskDelete;
  task_restore: TaskRestore;
  new_comment: NewComment;
  notifications_read: NotificationsRead;
}

/** The data of the `ack` that answers what a client sent, by the event's name. */
export interface Answers {
  join_room: RoomJoined;
  leave_room: RoomAnswer;
  token_refresh: TokenRefreshed;
  join_project: ProjectJoined;
  leave_project: ProjectAnswer;
  presence_update: PresenceUpdated;
  user_typing: Answer;
  task_viewing: Answer;
  ops_watch: OpsWatched;
  task_create: TaskAnswer;
  task_update: TaskVersion;
  task_status_update: TaskStatusAnswer;
  task_move: TaskMoved;
  task_delete: TaskGone;
  task_restore: TaskAnswer;
  new_comment: CommentAnswer;
  notifications_read: Unread;
}

type Framed<Events, Envelope> = {
  [Name in keyof Events]: { event: Name; data: Events[Name] } & Envelope;
}[keyof Events];

/** An event of a room's log. */
export type LoggedFrame = Framed<LoggedEvents, { room: string; seq: number; at: string }>;

/** One of the own notifications: an event of the user room, and whether it was read. */
export type NotificationFrame = LoggedFrame & { read: boolean };
