import { transportNames } from './connection.js';
import { OwnConnection } from './own.js';
import { isId, Positions } from './positions.js';
import { SharedLink } from './shared.js';

const connecting = 0;
const open = 1;
const closed = 2;

/** Reads a Comet stream as EventSource reads server-sent events; comet.d.ts documents it. */
export class CometSource extends EventTarget {
  /** Where this script is, which the tabs' shared worker runs. */
  static workerUrl;

  #url;
  #origin;
  #wanted;
  #positions;
  #isShared;
  #link;
  #readyState = closed;
  #handlers = {};

  constructor(url, { from, feeds, shared = false, transport = 'auto', headers, withCredentials = false } = {}) {
    super();
    const { href, origin } = new URL(url, document.baseURI);
    for (const position of typeof from === 'object' && from ? Object.values(from) : [from ?? '']) {
      if (position !== '' && position !== 'earliest' && !isId(position)) {
        throw new TypeError("'from' is 'earliest', or the lastEventId of a message; or an object with one of these for each feed.");
      }
    }
    const chosen = feeds ? [...new Set(feeds)].sort() : from && typeof from === 'object' ? Object.keys(from).sort() : undefined;
    if (chosen?.length === 0) throw new TypeError("'feeds' names one at least.");
    if (!transportNames.includes(transport)) throw new TypeError(`'transport' is one of ${transportNames.join(', ')}.`);
    this.#url = href;
    this.#origin = origin;
    this.#positions = new Positions(from ?? undefined, chosen);
    this.#wanted = { url: href, feeds: chosen, transport, init: { headers, withCredentials } };
    // A frame needs a page, and a function cannot leave it.
    this.#isShared = shared && transport !== 'frame' && typeof headers !== 'function' && 'SharedWorker' in globalThis;
    this.reconnect();
  }

  get url() { return this.#url; }
  get readyState() { return this.#readyState; }
  get withCredentials() { return this.#wanted.init.withCredentials; }
  get lastEventId() { return isId(this.#positions.of()) ? this.#positions.of() : ''; }
  get positions() { return this.#positions.toObject(); }

  get onopen() { return this.#handlers.open ?? null; }
  set onopen(handler) { this.#handle('open', handler); }
  get onmessage() { return this.#handlers.message ?? null; }
  set onmessage(handler) { this.#handle('message', handler); }
  get onerror() { return this.#handlers.error ?? null; }
  set onerror(handler) { this.#handle('error', handler); }

  /** Connects now: without a wait, or again after the end. */
  reconnect() {
    if (this.#readyState !== closed) {
      this.#link.reconnect();
      return;
    }
    this.#link?.stop();
    const wanted = () => ({ ...this.#wanted, from: this.#positions.from });
    const tell = batch => {
      for (const report of batch) if (link === this.#link) this.#apply(report);
    };
    const link = this.#link = this.#isShared ? new SharedLink(CometSource.workerUrl, wanted, tell) : new OwnConnection(wanted(), tell);
    this.#become(connecting);
  }

  close() {
    const link = this.#link;
    this.#link = undefined;
    link?.stop();
    this.#become(closed);
  }

  #become(state) {
    if (this.#readyState === state) return;
    this.#readyState = state;
    this.#tell('statechange');
  }

  // As of EventSource: its place among the listeners is that of the first handler, and it is called beside a listener that is the same.
  #handle(type, handler) {
    if (!(type in this.#handlers)) this.addEventListener(type, event => this.#handlers[type]?.call(this, event));
    this.#handlers[type] = typeof handler === 'function' ? handler : null;
  }

  #apply(report) {
    const { type, ...fields } = report;
    const { feed } = fields;
    switch (type) {
      case 'open':
        this.#positions.take(report);
        if (this.#opens(fields.recovered) && fields.recovered === false) this.#tell('gap', { feed });
        break;
      case 'heartbeat':
        this.#positions.take(report);
        this.#opens();
        break;
      case 'message':
        if (this.#positions.has(feed, fields.id) || !this.#opens()) return;
        this.#positions.take(report);
        this.#tellMessage('message', fields);
        if (feed !== undefined && this.#readyState === open) this.#tellMessage(feed, fields);
        break;
      case 'skipped':
        if (this.#opens()) this.#tell('skipped', { feed, count: fields.count });
        break;
      case 'end': // of one feed, which is told again whenever the others reconnect
        if (!this.#opens() || this.#positions.hasEnded(feed)) return;
        this.#positions.take(report);
        if (fields.retry !== undefined) return; // its store is away, and the stream comes again soon
        this.#tell('end', { feed, reason: fields.reason });
        break;
      case 'reconnecting':
        this.#become(connecting);
        this.#tellError('reconnecting', fields);
        break;
      case 'closed':
        this.#link = undefined;
        this.#become(closed);
        this.#tellError('closed', fields);
    }
  }

  /** Whatever comes proves that the stream is open, which is told first. False: the page has closed it thereupon. */
  #opens(recovered) {
    if (this.#readyState === connecting) {
      this.#become(open);
      this.#tell('open', { recovered });
    }
    return this.#readyState === open;
  }

  // A listener may have closed the source, or connected anew.
  #tellError(type, fields) {
    const [link, state] = [this.#link, this.#readyState];
    this.#tell(type, fields);
    if (link === this.#link && state === this.#readyState) this.#tell('error');
  }

  #tellMessage(type, { data, id = '', feed }) {
    const event = new MessageEvent(type, { data, lastEventId: id, origin: this.#origin });
    this.dispatchEvent(Object.assign(event, { feed }));
  }

  #tell(type, fields) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

for (const [name, value] of Object.entries({ CONNECTING: connecting, OPEN: open, CLOSED: closed })) {
  for (const owner of [CometSource, CometSource.prototype]) Object.defineProperty(owner, name, { value, enumerable: true });
}
