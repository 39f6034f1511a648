import {
  backoff, leastDelay, now, openTimeout, patience, pollBesideAfter, slowBackoff, stableAfter, tick, usualHeartbeat,
} from './timing.js';
import { Positions } from './positions.js';
import { blockedBy, StreamRequest } from './request.js';
import { stream } from './transports/stream.js';
import { poll } from './transports/poll.js';
import { frame } from './transports/frame.js';

const transports = { fetch: stream, poll, frame };

export const transportNames = ['auto', ...Object.keys(transports)];

const canStream = () => 'body' in Response.prototype && 'ReadableStream' in globalThis;

/** Origins to which a poll came through and a stream did not. */
const heldBack = new Set();

/**
 * One stream, kept up: reconnects and resumes. Tells what happens as batches of reports, which are plain objects: what is on the wire, and
 * `reconnecting` and `closed`. It reads by one transport, or by several at a time, of which the first that delivers stays: a long poll
 * beside a stream that says nothing, or a second stream where the first one's network may be gone.
 */
export class Connection {
  #request;
  #positions;
  #transport;
  #tell;
  #attempts = 0;
  #failures = 0;
  #running = new Set();
  #winner;
  #timer;
  #dueAt = Infinity;
  #due;
  #openedAt;
  #heardAt;
  #heartbeat = usualHeartbeat;
  #lastEnd;
  #policies;

  /**
   * @param wanted what to read: `{ url, init, feeds, from, transport }`, as a source was told.
   * @param tell takes a batch; the next piece is read when what it returns is done.
   */
  constructor({ url, init, feeds, from, transport }, tell) {
    this.#request = new StreamRequest(url, init);
    this.#positions = new Positions(from, feeds);
    this.#transport = transport;
    this.#tell = tell;
  }

  get positions() { return this.#positions; }
  get isOpen() { return this.#winner !== undefined; }
  get heartbeat() { return this.#heartbeat; }

  /** What it reports goes there from now on. */
  set tell(tell) { this.#tell = tell; }

  /** Connects now, whatever is going on. */
  connect() {
    this.#halt();
    this.#openedAt = undefined;
    if (!this.#policies) {
      this.#policies = new AbortController();
      addEventListener('securitypolicyviolation', event => this.#violated(event), { signal: this.#policies.signal });
    }
    const kind = this.#transport !== 'auto' ? this.#transport
      : !canStream() ? 'frame'
      : heldBack.has(this.#origin) ? 'poll'
      : 'fetch';
    this.#wait(openTimeout, this.#suspect);
    this.#begin(kind);
    if (kind === 'fetch' && this.#transport === 'auto') this.#wait(pollBesideAfter, this.#pollBeside);
  }

  /** Ends what is going on, and tells nothing. */
  stop() {
    this.#halt();
    this.#policies?.abort();
    this.#policies = undefined;
  }

  /** Does what is due. In a tab in the background timers come late; whoever calls this need not. */
  look() {
    clearTimeout(this.#timer);
    const left = this.#dueAt - now();
    if (left <= 0) this.#due();
    else if (left < Infinity) this.#timer = setTimeout(() => this.look(), Math.min(left, tick));
  }

  /** @param isNew whether the network, or the time, is another than before. */
  wake(isNew) {
    if (this.#dueAt === Infinity) return;
    if (isNew) heldBack.clear();
    const isDoubtful = isNew || now() - this.#heardAt > this.#heartbeat;
    if (isNew && !this.isOpen) this.connect();
    else if (!this.isOpen || !isDoubtful) this.look();
    else if (this.#positions.areKnown) this.#begin(this.#winner.kind); // beside it: nobody notices if all is well
    else if (isNew) this.#fail({ reason: 'silent' }); // a sequence would begin anew, which must not pass unnoticed
    else this.look();
  }

  /** The browser says that there is no network. */
  lose() {
    if (this.#running.size > 0) this.#fail({ reason: 'offline' });
  }

  get #origin() { return this.#request.urlAt(this.#positions, {}).origin; }

  #halt() {
    clearTimeout(this.#timer);
    this.#dueAt = Infinity;
    this.#winner = undefined;
    this.#keepOnly();
  }

  #wait(delay, due) {
    this.#dueAt = now() + delay;
    this.#due = due;
    this.look();
  }

  #begin(kind) {
    const attempt = { kind, stopped: new AbortController(), hasOpened: false, quiet: undefined };
    this.#running.add(attempt);
    const told = {
      alive: () => this.#running.has(attempt) && this.#heard(attempt),
      take: reports => this.#take(attempt, reports),
      hasOpened: () => attempt.hasOpened,
      expectWithin: quiet => { attempt.quiet = quiet; },
    };
    transports[kind]({ request: this.#request, positions: this.#positions }, told, attempt.stopped.signal)
      .then(outcome => this.#over(attempt, outcome));
  }

  #keepOnly(kept) {
    for (const attempt of this.#running) {
      if (attempt === kept) continue;
      this.#running.delete(attempt);
      attempt.stopped.abort();
    }
  }

  // Any byte shows that the way is open, one of a message that is not complete too.
  #heard(attempt) {
    this.#heardAt = now();
    const dueAt = this.#heardAt + patience(Math.max(attempt.quiet ?? 0, this.#heartbeat));
    if (!this.isOpen) {
      this.#dueAt = this.#due === this.#suspect ? Math.max(this.#dueAt, dueAt) : this.#dueAt;
    } else if (attempt === this.#winner) {
      this.#dueAt = dueAt;
      this.#due = this.#suspect;
    }
  }

  // A thread that was busy looks before it has taken what came meanwhile.
  #suspect() {
    this.#wait(leastDelay, () => this.#fail({ reason: this.isOpen ? 'silent' : 'unreachable' }));
  }

  #pollBeside() {
    this.#wait(openTimeout, this.#suspect);
    this.#begin('poll');
  }

  /** @returns the outcome, where the stream is over; or a promise of nothing. */
  #take(attempt, reports) {
    if (!this.#running.has(attempt)) return { reason: 'left' };
    if (!this.isOpen && attempt.kind === 'poll' && this.#running.size > 1) heldBack.add(this.#origin);
    this.#winner = attempt;
    this.#keepOnly(attempt);
    this.#openedAt ??= now();
    const batch = [];
    let outcome;
    for (const report of reports) {
      if (report.type === 'end' && report.feed === undefined) {
        outcome = { reason: report.reason, retry: report.retry, isFinal: report.retry === undefined };
        break;
      }
      if (report.type === 'open') {
        attempt.hasOpened = true;
        this.#attempts = 0;
        this.#heartbeat = report.heartbeat ?? this.#heartbeat;
        this.#lastEnd = undefined;
      }
      this.#positions.take(report);
      batch.push(report);
    }
    this.#heard(attempt);
    const told = batch.length > 0 ? this.#tell(batch) : undefined;
    return outcome ?? told;
  }

  #over(attempt, outcome) {
    if (!this.#running.delete(attempt)) return;
    if (this.#running.size > 0 && !outcome.isFinal) return; // another goes on
    this.#fail(outcome);
  }

  #fail({ reason, status, retry, message, isFinal }) {
    const openFor = this.#openedAt === undefined ? 0 : now() - this.#openedAt;
    this.#halt();
    if (isFinal) {
      this.stop();
      const isExpired = this.#lastEnd === 'authentication-expired' && (status === 401 || status === 403);
      this.#tell([{ type: 'closed', reason: isExpired ? this.#lastEnd : reason, status, message }]);
      return;
    }
    this.#lastEnd = reason;
    const isStable = openFor > stableAfter && reason !== 'error';
    if (isStable) this.#failures = 0;
    // The server spreads its clients better than they can, but does not know which of them fail again and again.
    const delay = isStable && retry !== undefined ? Math.max(leastDelay, retry)
      : Math.max(retry ?? 0, (reason === 'not-a-stream' ? slowBackoff : backoff)(this.#failures++));
    this.#wait(delay, this.connect);
    this.#tell([{ type: 'reconnecting', reason, status, message, delay, attempt: ++this.#attempts }]);
  }

  // Of a frame, its own document is told, or the page's.
  #violated(event) {
    const isOurs = this.#request.urlAt(this.#positions, {}).href.startsWith(event.blockedURI.split('?')[0]);
    const isConnect = event.effectiveDirective === 'connect-src';
    if (!isOurs || (!isConnect && event.effectiveDirective !== 'frame-src')) return;
    if (isConnect && this.#transport === 'auto' && 'document' in globalThis) {
      this.#transport = 'frame';
      this.connect();
    } else {
      this.#fail(blockedBy(event));
    }
  }
}
