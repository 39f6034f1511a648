// CometSource reads a Comet stream as EventSource reads server-sent events; comet.d.ts documents it.
// As a classic script this defines the global CometSource; comet.mjs exports it to modules.
(() => {
  'use strict';

  const connecting = 0;
  const open = 1;
  const closed = 2;

  // Answers after which coming back is pointless until somebody does something about it.
  const refusals = new Set([204, 400, 401, 403, 404, 405, 410]);
  const openTimeout = 10_000;
  const answerTimeout = 5_000;
  const leastDelay = 250;
  const mostDelay = 30_000;
  const stableAfter = 5_000;
  const usualHeartbeat = 15_000;

  /** Milliseconds of silence after which a stream is dead: a heartbeat was due, and had time to arrive. */
  const patience = heartbeat => heartbeat + Math.max(2_000, heartbeat / 2);

  const now = () => performance.now();

  /** Full jitter, which spreads a crowd evenly, over a time that doubles. */
  const backoff = attempts => leastDelay + Math.random() * Math.min(mostDelay, 1_000 * 2 ** attempts);

  const sleep = (delay, signal) => new Promise(resolve => {
    const timer = setTimeout(resolve, delay);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });

  function withParameters(url, parameters) {
    const result = new URL(url);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) result.searchParams.set(name, value);
    }
    return result.href;
  }

  const anId = /^[A-Za-z0-9]{1,64}-\d{1,19}$/;
  const epochOf = id => id.slice(0, id.lastIndexOf('-'));
  const offsetOf = id => BigInt(id.slice(id.lastIndexOf('-') + 1));

  /** Whether a reader at `position` already has what leads up to `id`. */
  const has = (position, id) =>
    position !== undefined && position !== 'earliest' && epochOf(position) === epochOf(id) && offsetOf(position) >= offsetOf(id);

  // A frame that is inserted earlier keeps the page's own load event from firing.
  function afterLoad(action, signal) {
    const later = () => setTimeout(() => signal.aborted || action());
    if (document.readyState === 'complete') later();
    else addEventListener('load', later, { once: true, signal });
  }

  /**
   * One stream, kept up: reconnects and resumes. Tells what happens as reports, which are plain objects: open, message, heartbeat,
   * skipped, reconnecting, closed.
   */
  class Connection {
    #url;
    #position;
    #report;
    #stopped = new AbortController();
    #frame;
    #timer;
    #probe;
    #heardAt = 0;
    #openedAt;
    #heartbeat = usualHeartbeat;
    #attempts = 0;

    /** @param position gives the id to resume after. */
    constructor(url, position, report) {
      this.#url = url;
      this.#position = position;
      this.#report = report;
      const { signal } = this.#stopped;
      afterLoad(() => this.#connect(), signal);
      // The connection, if there is one, belongs to the network there was before.
      addEventListener('online', () => this.#timer && this.#connect(), { signal });
      addEventListener('pageshow', event => event.persisted && this.#connect(), { signal });
    }

    stop() {
      this.#stopped.abort();
      this.#drop();
    }

    #drop() {
      clearInterval(this.#timer); // clears timeouts as well
      this.#probe?.abort();
      this.#frame?.remove();
      this.#frame = this.#probe = undefined;
    }

    #connect() {
      this.#drop();
      const frame = document.createElement('iframe');
      const only = action => (...values) => { if (frame === this.#frame) action(...values); };
      frame.hidden = true;
      frame.tabIndex = -1;
      frame.title = 'Comet stream';
      frame.setAttribute('aria-hidden', 'true');
      frame.comet = only((data, id) => this.#message(data, id));
      frame.addEventListener('comet', only(event => this.#control(event.detail)));
      frame.addEventListener('load', only(() => this.#finished()));
      frame.src = withParameters(this.#url, { callback: 'frameElement.comet', lastEventId: this.#position() });
      this.#frame = frame;
      this.#heardAt = now();
      this.#openedAt = undefined;
      this.#timer = setInterval(() => this.#watch(), 1_000);
      document.body.append(frame);
    }

    #message(data, id) {
      this.#heardAt = now();
      if (id !== undefined && has(this.#position(), id)) return;
      // An object of the frame's realm would keep that realm in memory, and fail instanceof.
      this.#report({ type: 'message', data: typeof data === 'object' ? structuredClone(data) : data, id });
    }

    #control({ type, ...fields }) {
      this.#heardAt = now();
      if (type === 'open') {
        this.#openedAt = now();
        this.#heartbeat = fields.heartbeat ?? usualHeartbeat;
      } else if (type === 'end') {
        if (fields.retry === undefined) this.#close(fields.reason);
        else this.#again(fields.reason, Math.max(leastDelay, fields.retry));
        return;
      }
      this.#report({ type, ...fields });
    }

    #watch() {
      const silence = now() - this.#heardAt;
      const isOpen = this.#openedAt !== undefined;
      if (silence > (isOpen ? patience(this.#heartbeat) : openTimeout)) this.#lost('silent'); // all that Chromium shows of a broken stream
      else if (isOpen && !this.#frame.contentDocument) this.#finished(); // what Firefox shows
    }

    // The frame has loaded: the stream broke, or this was never a stream.
    #finished() {
      this.#lost(this.#openedAt === undefined ? 'unreachable' : 'disconnected');
    }

    async #lost(reason) {
      const wasOpen = this.#openedAt !== undefined;
      if (wasOpen && now() - this.#openedAt > stableAfter) this.#attempts = 0;
      this.#drop();
      if (wasOpen) {
        this.#again(reason);
        return;
      }
      // A frame does not show why it was refused.
      const probe = this.#probe = new AbortController();
      this.#timer = setTimeout(() => probe.abort(), openTimeout);
      const { status, delay } = await this.#inspect(probe);
      if (probe !== this.#probe) return;
      if (refusals.has(status)) this.#close('refused', status);
      else this.#again(reason, delay);
    }

    async #inspect(probe) {
      try {
        const response = await fetch(withParameters(this.#url, { lastEventId: this.#position() }), {
          headers: { Accept: 'application/x-ndjson' }, cache: 'no-store', redirect: 'manual', signal: probe.signal,
        });
        const seconds = Number(response.headers.get('Retry-After'));
        response.body?.cancel();
        return {
          status: response.type === 'opaqueredirect' ? 401 : response.status, // to a sign-in page, where no stream is
          delay: seconds > 0 ? (seconds + Math.random()) * 1_000 : undefined,
        };
      } catch {
        return {}; // nobody answers
      }
    }

    #again(reason, delay = backoff(this.#attempts++)) {
      this.#drop();
      this.#timer = setTimeout(() => this.#connect(), delay);
      this.#report({ type: 'reconnecting', reason, delay });
    }

    #close(reason, status) {
      this.stop();
      this.#report({ type: 'closed', reason, status });
    }
  }

  /**
   * One connection for all tabs: the tab that gets the lock connects, and broadcasts its reports. Each report says after which id it
   * follows, so that a tab that lacks something, whatever the cause, fetches it.
   */
  class SharedConnection {
    #name;
    #url;
    #position;
    #report;
    #channel;
    #stopped = new AbortController();
    #connection;
    #turn;
    #release;
    #isHolderLost = false;
    #isOpen = false;
    #inbox = [];
    #catchUp;
    #timer;
    #heardAt = now();
    #askedAt;
    #heartbeat = usualHeartbeat;

    constructor(url, position, report) {
      this.#name = `comet ${url}`;
      this.#url = url;
      this.#position = position;
      this.#report = report;
      this.#channel = new BroadcastChannel(this.#name);
      this.#channel.onmessage = event => this.#receive(event.data);
      this.#timer = setInterval(() => this.#watch(), 1_000);
      addEventListener('pageshow', event => event.persisted && this.#ask(), { signal: this.#stopped.signal });
      this.#standForLock();
      this.#ask();
    }

    stop() {
      this.#stopped.abort();
      this.#turn.abort();
      this.#follow();
      this.#catchUp?.abort();
      this.#inbox.length = 0;
      this.#channel.close();
      clearInterval(this.#timer);
    }

    async #standForLock() {
      while (!this.#stopped.signal.aborted) {
        this.#turn = new AbortController();
        const options = this.#isHolderLost ? { steal: true } : { signal: this.#turn.signal };
        this.#isHolderLost = false;
        try {
          await navigator.locks.request(this.#name, options, () => this.#lead());
        } catch (error) {
          if (error.name !== 'AbortError') throw error; // it stopped, gave up its turn to steal, or another tab stole the lock
        }
        this.#follow();
      }
    }

    #lead() {
      if (this.#stopped.signal.aborted) return;
      this.#catchUp?.abort();
      this.#inbox.length = 0;
      this.#isOpen = false;
      this.#connection = new Connection(this.#url, this.#position, report => {
        if (report.type !== 'heartbeat') this.#isOpen = report.type !== 'reconnecting' && report.type !== 'closed';
        this.#channel.postMessage({ ...report, after: this.#position(), heartbeat: report.heartbeat ?? this.#heartbeat });
        this.#take(report);
      });
      return new Promise(resolve => { this.#release = resolve; });
    }

    #follow() {
      this.#connection?.stop();
      this.#connection = undefined;
      this.#release?.();
      this.#heardAt = now();
    }

    #take(report) {
      if (report.heartbeat) this.#heartbeat = report.heartbeat;
      this.#report(report);
    }

    #ask() {
      if (this.#connection) return;
      this.#askedAt = now();
      this.#channel.postMessage({ type: 'ask' });
    }

    #watch() {
      if (this.#connection || now() - this.#heardAt < patience(this.#heartbeat)) return;
      if (this.#askedAt === undefined) {
        this.#ask();
      } else if (now() - this.#askedAt > answerTimeout) {
        this.#askedAt = undefined;
        this.#isHolderLost = true; // it holds the lock, and hangs
        this.#turn.abort();
      }
    }

    async #receive(report) {
      if (this.#connection) {
        if (report.type === 'ask') this.#channel.postMessage({ type: 'state', isOpen: this.#isOpen, id: this.#position(), heartbeat: this.#heartbeat });
        return;
      }
      if (report.type === 'ask') return;
      this.#heardAt = now();
      this.#askedAt = undefined;
      this.#inbox.push(report);
      if (this.#inbox.length > 1) return;
      while (this.#inbox.length > 0) {
        await this.#apply(this.#inbox[0]);
        this.#inbox.shift();
      }
    }

    async #apply({ after, ...report }) {
      this.#heartbeat = report.heartbeat;
      switch (report.type) {
        case 'state':
          if (!report.isOpen || this.#isOpen) return;
          // falls through
        case 'open':
          this.#isOpen = true;
          this.#report({ type: 'open', id: this.#position() ?? report.id, heartbeat: report.heartbeat });
          await this.#reach(report.id);
          return;
        case 'message':
          if (report.id === undefined) break;
          await this.#reach(after);
          if (has(this.#position(), report.id)) return;
          break;
        case 'reconnecting':
        case 'closed':
          this.#isOpen = false;
      }
      if (!this.#stopped.signal.aborted && !this.#connection) this.#report(report);
    }

    /** Fetches what lies between this tab's position and `id`. */
    async #reach(id) {
      const position = this.#position();
      if (id === undefined || id === 'earliest' || position === undefined || has(position, id)) return;
      const catchUp = this.#catchUp = new AbortController();
      for (let attempts = 0; !catchUp.signal.aborted; attempts++) {
        try {
          if (await this.#fetchTo(id, catchUp)) return;
        } catch {
          // The server cannot be reached; a tab that stops or leads has aborted.
        }
        if (!catchUp.signal.aborted) await sleep(backoff(attempts), catchUp.signal);
      }
    }

    async #fetchTo(id, catchUp) {
      const response = await fetch(withParameters(this.#url, { lastEventId: this.#position() }), {
        headers: { Accept: 'application/x-ndjson' }, cache: 'no-store', signal: catchUp.signal,
      });
      if (refusals.has(response.status)) {
        this.#report({ type: 'closed', reason: 'refused', status: response.status });
        return true;
      }
      if (!response.ok) return false;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (true) {
        const { value, done } = await reader.read();
        if (done) return false;
        const lines = (text + value).split('\n');
        text = lines.pop();
        for (const line of lines) {
          if (catchUp.signal.aborted) return true;
          const { type, ...report } = JSON.parse(line);
          if (type === 'open' ? report.recovered === false || this.#position() === 'earliest' : type === 'message' && !has(this.#position(), report.id)) {
            this.#report({ type, ...report });
          }
          if (type === 'heartbeat' || has(this.#position(), id) || (type === 'open' && epochOf(report.id) !== epochOf(id))) {
            catchUp.abort(); // caught up: the rest comes from the tab that is connected
            return true;
          }
        }
      }
    }
  }

  class CometSource extends EventTarget {
    #url;
    #connection;
    #position;
    #readyState = connecting;
    #handlers = {};

    constructor(url, { from, shared = false } = {}) {
      super();
      this.#url = new URL(url, document.baseURI).href;
      if (new URL(this.#url).origin !== location.origin) throw new TypeError('A Comet stream has the origin of its page.');
      if (from !== undefined && from !== 'earliest' && !anId.test(from)) throw new TypeError("'from' is 'earliest', or the lastEventId of a message.");
      this.#position = from;
      const Kind = shared && navigator.locks && globalThis.BroadcastChannel ? SharedConnection : Connection;
      this.#connection = new Kind(this.#url, () => this.#position, report => this.#apply(report));
    }

    get url() { return this.#url; }
    get readyState() { return this.#readyState; }
    get lastEventId() { return this.#position === 'earliest' ? '' : this.#position ?? ''; }

    get onopen() { return this.#handlers.open ?? null; }
    set onopen(handler) { this.#handle('open', handler); }
    get onmessage() { return this.#handlers.message ?? null; }
    set onmessage(handler) { this.#handle('message', handler); }
    get onerror() { return this.#handlers.error ?? null; }
    set onerror(handler) { this.#handle('error', handler); }

    close() {
      this.#readyState = closed;
      this.#connection.stop();
    }

    #handle(type, handler) {
      this.removeEventListener(type, this.#handlers[type]);
      this.#handlers[type] = typeof handler === 'function' ? handler : undefined;
      if (this.#handlers[type]) this.addEventListener(type, handler);
    }

    #apply({ type, ...fields }) {
      if (this.#readyState === closed) return;
      switch (type) {
        case 'open':
          this.#position = fields.id ?? this.#position;
          if (this.#readyState !== open) {
            this.#readyState = open;
            this.#tell('open');
          }
          if (fields.recovered === false) this.#tell('gap');
          break;
        case 'message':
          this.#position = fields.id ?? this.#position;
          this.dispatchEvent(new MessageEvent('message', { data: fields.data, lastEventId: fields.id ?? '', origin: new URL(this.#url).origin }));
          break;
        case 'skipped':
          this.#tell('skipped', { count: fields.count });
          break;
        case 'reconnecting':
          this.#readyState = connecting;
          this.#tell('reconnecting', { reason: fields.reason, delay: fields.delay });
          this.#tell('error');
          break;
        case 'closed':
          this.close();
          this.#tell('closed', { reason: fields.reason, status: fields.status });
          this.#tell('error');
      }
    }

    #tell(type, fields) {
      this.dispatchEvent(Object.assign(new Event(type), fields));
    }
  }

  for (const [name, value] of Object.entries({ CONNECTING: connecting, OPEN: open, CLOSED: closed })) {
    for (const owner of [CometSource, CometSource.prototype]) Object.defineProperty(owner, name, { value, enumerable: true });
  }

  globalThis.CometSource = CometSource;
})();
