/** Where and how a {@link CometSource} reads. */
export interface CometSourceInit {
  /**
   * Where to start: `'earliest'`, with everything the server retains; or after the `lastEventId` of a message that was seen before.
   * Otherwise with the next message. On a stream of several feeds an object may have such a place for each, by name, as `positions` has.
   */
  from?: 'earliest' | (string & {}) | Readonly<Record<string, string>>;

  /**
   * Which feeds to read, of those that a stream of several offers: the name of a feed, or `family/key`. Otherwise those that `from` names;
   * or all, but no family. At most 100.
   */
  feeds?: Iterable<string>;

  /**
   * All tabs of this browser that read the same feeds of this URL use one connection, that of one of them. So the URL must contain whatever the stream depends
   * on, such as the user, and a value that cannot be copied, such as a function, reaches only that tab. It needs Web Locks, which browsers
   * have on HTTPS and on localhost; elsewhere, or where they are denied, each tab has its own connection.
   */
  shared?: boolean;
}

/** The stream broke, and comes back by itself. */
export interface CometReconnectingEvent extends Event {
  /** Milliseconds until the next attempt. */
  readonly delay: number;

  /**
   * What happened: `'disconnected'`, `'silent'` (no heartbeat came, which is all that Chromium shows of a broken stream),
   * `'unreachable'`, or why the server ended it: `'shutting-down'`, `'draining'`, `'too-slow'`, `'recycled'`, `'error'`,
   * `'authentication-expired'` (a sign-in that was renewed meanwhile lets it back in).
   */
  readonly reason: string;
}

/** The stream has ended for good. */
export interface CometClosedEvent extends Event {
  /**
   * `'completed'`, when the server ended it so; `'authentication-expired'`, when it was let in no more after its sign-in had expired;
   * otherwise `'refused'`.
   */
  readonly reason: string;

  /** When it was not let in: the HTTP status, of 204, 400, 401, 403 and 410. A redirect, as to a sign-in page, counts as 401. */
  readonly status?: number;
}

/** A message: of which feed, on a stream of several. */
export interface CometMessageEvent<T = any> extends MessageEvent<T> {
  readonly feed?: string;
}

/** Something may be missing: of which feed, on a stream of several. */
export interface CometGapEvent extends Event {
  readonly feed?: string;
}

/** One of several feeds has ended; the others go on. */
export interface CometEndEvent extends Event {
  readonly feed: string;

  /** `'completed'`, or `'not-allowed'`: this user may not read it. */
  readonly reason: string;
}

/** Messages were left out, because this browser was too slow and the feed's policy is to go on. */
export interface CometSkippedEvent extends Event {
  /** How many. */
  readonly count: number;

  /** Of which feed, on a stream of several. */
  readonly feed?: string;
}

export interface CometSourceEventMap<T = any> {
  /** The stream is open, for the first time or again. */
  open: Event;
  /**
   * A message. `data` is the value, not its JSON; `lastEventId` is empty for a stream that is no feed. On a stream of several feeds an event
   * that has the name of the message's feed follows.
   */
  message: CometMessageEvent<T>;
  /** The server no longer has everything after the last message that was seen: something may be missing, what comes next is live. */
  gap: CometGapEvent;
  skipped: CometSkippedEvent;
  end: CometEndEvent;
  reconnecting: CometReconnectingEvent;
  closed: CometClosedEvent;
  /** Follows `reconnecting` and `closed`; `readyState` tells which. */
  error: Event;
}

/**
 * Reads a Comet stream of the page's own origin through a hidden frame, as `EventSource` reads server-sent events. It connects after the
 * page has loaded, reconnects with exponential backoff and full jitter, resumes after the last message, and drops what comes twice.
 * A page that has a stream in an `<iframe>` of its own never finishes loading, so that a CometSource on it never connects.
 * Messages have the type T, on the server's word.
 */
export class CometSource<T = any> extends EventTarget {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSED: 2;

  /**
   * @param url of the stream.
   * @throws TypeError when the URL is invalid or of another origin, `from` is no id, or `feeds` has none.
   */
  constructor(url: string | URL, init?: CometSourceInit);

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;

  /** The absolute URL. */
  readonly url: string;
  readonly readyState: 0 | 1 | 2;

  /**
   * The position in the feed: the id of the last message, where the stream started, or a later one up to which the feed has nothing more.
   * Empty: none is known, or this is a stream of several feeds.
   */
  readonly lastEventId: string;

  /** The same for each feed of a stream of several, by name: another CometSource goes on there, with other `feeds` perhaps. */
  readonly positions: Readonly<Record<string, string>>;

  onopen: ((this: CometSource<T>, event: Event) => unknown) | null;
  onmessage: ((this: CometSource<T>, event: CometMessageEvent<T>) => unknown) | null;
  onerror: ((this: CometSource<T>, event: Event) => unknown) | null;

  addEventListener<K extends keyof CometSourceEventMap<T>>(
    type: K,
    listener: (this: CometSource<T>, event: CometSourceEventMap<T>[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** @param feed by the name of which its messages are told. */
  addEventListener(
    feed: string,
    listener: (this: CometSource<T>, event: CometMessageEvent<T>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof CometSourceEventMap<T>>(
    type: K,
    listener: (this: CometSource<T>, event: CometSourceEventMap<T>[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;

  /** Ends it, and leaves nothing behind: no frame, timer, listener or lock. */
  close(): void;
}

declare global {
  /** Defined by comet.js as a classic script. */
  var CometSource: typeof import('./comet.js').CometSource;
}
