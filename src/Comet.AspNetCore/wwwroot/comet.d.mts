/** Where and how a {@link CometSource} reads. */
export interface CometSourceInit {
  /**
   * Where to start: `'earliest'`, with everything the server retains; or after the `lastEventId` of a message that was seen before.
   * Otherwise with the next message. On a stream of several feeds an object may have such a place for each, by name, as `positions` has.
   */
  from?: 'earliest' | (string & {}) | Readonly<Record<string, string>> | null;

  /**
   * Which feeds to read, of those that a stream of several offers: the name of a feed, or `family/key`. Otherwise those that `from` names;
   * or all, but no family. At most 1,000, and 100 by the transport `'frame'`. More than a URL holds are posted, so the endpoint has to take
   * POST then.
   */
  feeds?: Iterable<string>;

  /**
   * All tabs of this browser that read the same feeds of this URL, for the same user, use one connection, which a SharedWorker has. Where
   * there is none, each tab connects by itself; so does one whose `headers` are a function, or whose transport is `'frame'`.
   */
  shared?: boolean;

  /**
   * How to read. `'auto'`: by fetch, line by line; while that says nothing, a long poll is tried beside it, and the first that delivers
   * stays; a frame serves where fetch cannot stream or may not connect. The others use one way only. `'frame'` is the one for a stream of
   * raw JavaScript (`CometResults.Raw`), of the page's own origin.
   */
  transport?: 'auto' | 'fetch' | 'poll' | 'frame';

  /**
   * Headers of each request, for example `Authorization`; or a function that gives them, or a promise of them, whenever it connects. A frame
   * cannot send any.
   */
  headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

  /** Whether to send cookies to another origin, as of `EventSource`. */
  withCredentials?: boolean;
}

/** The stream is open. */
export interface CometOpenEvent extends Event {
  /**
   * Whether all that was published since the last message is still to come. Undefined where no position was asked for, and from a stream
   * that is no feed.
   */
  readonly recovered?: boolean;
}

/** The stream broke, and comes back by itself. */
export interface CometReconnectingEvent extends Event {
  /** Milliseconds until the next attempt. */
  readonly delay: number;

  /** The number of that attempt since the stream was open: 1, 2 and so on. */
  readonly attempt: number;

  /**
   * What happened: `'disconnected'`; `'silent'`, no heartbeat came; `'unreachable'`, no server answers, or not with a stream, and `status`
   * says how; `'offline'`, by the browser; `'not-a-stream'`, what answers is something else, such as a captive portal; or why the server ended
   * it: `'shutting-down'`, `'draining'`, `'too-slow'`, `'recycled'`, `'error'`, `'authentication-expired'` (a sign-in that was renewed
   * meanwhile lets it back in).
   */
  readonly reason: string;

  /** The HTTP status, when there was an answer that is no stream: 404, 429, 503, or 200 of a page. */
  readonly status?: number;

  /** What the server, or the browser, says of it: a sentence for developers. */
  readonly message?: string;
}

/** The stream has ended for good. */
export interface CometClosedEvent extends Event {
  /**
   * `'completed'`, when the server ended it so; `'authentication-expired'`, when it was let in no more after its sign-in had expired;
   * `'blocked'`, when the page's Content-Security-Policy does not allow it; otherwise `'refused'`.
   */
  readonly reason: string;

  /** When it was not let in: the HTTP status, of 204, 400, 401, 403 and 410. A redirect, as to a sign-in page, counts as 401. */
  readonly status?: number;

  /** What the server says of it: a sentence for developers. */
  readonly message?: string;
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
  open: CometOpenEvent;
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
  /** `readyState` is another, for whatever reason: `close()` and `reconnect()` too. */
  statechange: Event;
}

/**
 * Reads a Comet stream as `EventSource` reads server-sent events. It reconnects with exponential backoff and full jitter, resumes after the
 * last message, drops what comes twice, and leaves the connection while the page is in the back/forward cache.
 * Messages have the type T, on the server's word.
 */
export class CometSource<T = any> extends EventTarget {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSED: 2;

  /** Where comet.js is, which the tabs' shared worker runs: set it where a bundle contains it. It has to be of the page's origin. */
  static workerUrl: string | undefined;

  /**
   * @param url of the stream.
   * @throws TypeError when the URL is invalid, `from` is no id, `feeds` has none, or there is no such transport.
   */
  constructor(url: string | URL, init?: CometSourceInit);

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;

  /** The absolute URL. */
  readonly url: string;
  readonly readyState: 0 | 1 | 2;
  readonly withCredentials: boolean;

  /**
   * The position in the feed: the id of the last message, where the stream started, or a later one up to which the feed has nothing more.
   * Empty: none is known, or this is a stream of several feeds.
   */
  readonly lastEventId: string;

  /** The same for each feed of a stream of several, by name: another CometSource goes on there, with other `feeds` perhaps. */
  readonly positions: Readonly<Record<string, string>>;

  onopen: ((this: CometSource<T>, event: CometOpenEvent) => unknown) | null;
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
  removeEventListener(
    feed: string,
    listener: (this: CometSource<T>, event: CometMessageEvent<T>) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;

  /** Connects now: without the wait that was told, or again after the end, from where it was. */
  reconnect(): void;

  /** Ends it, and leaves nothing behind: no request, frame, timer or listener. */
  close(): void;
}
