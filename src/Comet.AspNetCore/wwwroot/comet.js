// CometSource reads a Comet stream as EventSource reads server-sent events; comet.d.ts documents it.
// As a classic script this defines the global CometSource; comet.mjs exports it to modules.
(() => {
  'use strict';

  const connecting = 0;
  const open = 1;
  const closed = 2;

  // Answers after which coming back is pointless until somebody does something. While a backend restarts, a proxy answers 404 or 405.
  const refusals = new Set([204, 400, 401, 403, 410]);
  const openTimeout = 10_000;
  const answerTicks = 5;
  const leastDelay = 250;
  const mostDelay = 30_000;
  const mostRetryAfter = 86_400_000;
  const stableAfter = 5_000;
  const usualHeartbeat = 15_000;
  const tick = 1_000;

  /** Milliseconds of silence after which a stream is dead: a heartbeat was due, and had time to arrive. */
  const patience = heartbeat => heartbeat + Math.max(2_000, heartbeat / 2);

  const now = () => performance.now();

  /** Full jitter, which spreads a crowd evenly, over a time that doubles. */
  const backoff = attempts => leastDelay + Math.random() * Math.min(mostDelay, 1_000 * 2 ** attempts);

  const sleep = (delay, signal) => new Promise(resolve => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, delay);
    if (signal.aborted) wake();
    else signal.addEventListener('abort', wake);
  });

  /** Asks for the stream as lines: unlike a frame, a fetch shows how it was answered. */
  async function request(url, signal) {
    const response = await fetch(url, {
      headers: { Accept: 'application/x-ndjson' }, cache: 'no-store', redirect: 'manual', signal,
    });
    const seconds = Number(response.headers.get('Retry-After'));
    return {
      status: response.type === 'opaqueredirect' ? 401 : response.status, // to a sign-in page, where no stream is
      retry: seconds > 0 ? Math.min(mostRetryAfter, seconds * (1 + Math.random()) * 1_000) : undefined,
      body: response.body,
    };
  }

  const anId = /^[A-Za-z0-9]{1,64}-\d{1,19}$/;
  const isId = position => position !== undefined && position !== 'earliest';
  const epochOf = id => id.slice(0, id.lastIndexOf('-'));
  const offsetOf = id => BigInt(id.slice(id.lastIndexOf('-') + 1));

  /** Whether a reader at `position` already has what leads up to `id`. */
  const has = (position, id) => isId(position) && isId(id) && epochOf(position) === epochOf(id) && offsetOf(position) >= offsetOf(id);

  /**
   * Where a reader is: in each feed of a stream of several, by name; on a stream of one, whose messages do not name it, `feed` is undefined.
   */
  class Positions {
    #url;
    #from;
    #feeds;
    #reached = new Map();

    /** @param feeds which are asked for; undefined: those that the stream has of itself. */
    constructor(url, from, feeds) {
      this.#url = url;
      this.#from = from;
      this.#feeds = feeds ?? (typeof from === 'object' ? Object.keys(from).sort() : undefined);
    }

    /** The same for all that read the same. */
    get name() { return [this.#url, ...(this.#feeds ?? [])].join(' '); }

    /** Whether a reader without a position gets something older than the next message. */
    get startInPast() { return ['last', 'since'].some(name => new URL(this.#url).searchParams.has(name)); }

    of(feed) {
      if (this.#reached.has(feed)) return this.#reached.get(feed);
      if (typeof this.#from === 'object') return this.#from[feed];
      return feed === undefined || this.#from === 'earliest' ? this.#from : undefined;
    }

    take(id, feed) {
      if (id !== undefined) this.#reached.set(feed, id);
    }

    /** Up to there, nothing is missing: in each feed whose log, which it may share with others, has the epoch of one of the ids. */
    raise(ids) {
      if (ids === undefined) return;
      if (this.#names().length === 0) this.take(ids);
      for (const id of ids.split('.')) {
        for (const [feed, position] of this.#reached) {
          if (epochOf(position) === epochOf(id) && !has(position, id)) this.take(id, feed);
        }
      }
    }

    /** The URL to go on from here, in one feed only if it is given. */
    urlOf(feed) {
      const url = new URL(this.#url);
      const names = feed === undefined ? this.#names() : [feed];
      const position = this.of();
      if (names.length > 0) ['feed', 'lastEventId'].forEach(name => url.searchParams.delete(name));
      else if (position !== undefined) url.searchParams.set('lastEventId', position);
      for (const name of names) {
        const reached = this.of(name);
        url.searchParams.append('feed', reached === undefined ? name : `${reached}@${name}`);
      }
      return url;
    }

    toObject() { return Object.fromEntries([...this.#reached].filter(([feed]) => feed !== undefined)); }

    #names() { return this.#feeds ?? [...this.#reached.keys()].filter(feed => feed !== undefined); }
  }

  // An object of the frame's realm would keep that realm in memory, and fail instanceof.
  function toOwn(data) {
    if (typeof data !== 'object') return data;
    try {
      return structuredClone(data);
    } catch {
      return data; // it has functions
    }
  }

  // A frame that is inserted earlier keeps the page's own load event from firing.
  function afterLoad(action, signal) {
    const later = () => setTimeout(() => signal.aborted || action());
    if (document.readyState === 'complete') later();
    else addEventListener('load', later, { once: true, signal });
  }

  /**
   * One stream, kept up: reconnects and resumes. Tells what happens as reports, which are plain objects: open, message, heartbeat,
   * skipped, end of a feed, reconnecting, closed.
   */
  class Connection {
    #positions;
    #report;
    #stopped = new AbortController();
    #frame;
    #probe;
    #timer;
    #dueAt = Infinity;
    #due;
    #openedAt;
    #heartbeat = usualHeartbeat;
    #attempts = 0;
    #ended;

    /** @param positions says where to resume. */
    constructor(positions, report) {
      this.#positions = positions;
      this.#report = report;
      const { signal } = this.#stopped;
      afterLoad(() => this.#connect(), signal);
      // The connection, if there is one, belongs to the network there was before.
      addEventListener('online', () => this.#due && this.#connect(), { signal });
      addEventListener('pageshow', event => event.persisted && this.#connect(), { signal });
    }

    get isOpen() { return this.#frame !== undefined && this.#openedAt !== undefined; }

    stop() {
      this.#stopped.abort();
      this.#drop();
    }

    /** Does what is due. In a tab in the background timers come late; whoever calls this need not. */
    look() {
      clearTimeout(this.#timer);
      const left = this.#dueAt - now();
      if (left <= 0) this.#due();
      else if (this.isOpen && !this.#frame.contentDocument) this.#finished(); // what Firefox shows of a broken stream
      else if (left < Infinity) this.#timer = setTimeout(() => this.look(), Math.min(left, tick));
    }

    #wait(delay, due) {
      this.#dueAt = now() + delay;
      this.#due = due;
      this.look();
    }

    #heard() {
      this.#dueAt = now() + patience(this.#heartbeat);
      this.#due = this.#suspect;
    }

    // A thread that was busy looks before it has taken what came meanwhile.
    #suspect() {
      this.#wait(leastDelay, () => this.#lost('silent')); // all that Chromium shows of a broken stream
    }

    #drop() {
      clearTimeout(this.#timer);
      this.#dueAt = Infinity;
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
      frame.comet = only((data, id, feed) => this.#message(data, id, feed));
      frame.addEventListener('comet', only(event => this.#control(event.detail)));
      frame.addEventListener('load', only(() => this.#finished()));
      const url = this.#positions.urlOf();
      url.searchParams.set('callback', 'frameElement.comet');
      frame.src = url.href;
      this.#frame = frame;
      this.#openedAt = undefined;
      this.#wait(openTimeout, this.#suspect);
      document.documentElement.append(frame); // a page that replaces its body keeps it
    }

    #message(data, id, feed) {
      this.#heard();
      if (!has(this.#positions.of(feed), id)) this.#report({ type: 'message', data: toOwn(data), id, feed });
    }

    #control({ type, ...fields }) {
      if (type === 'end' && fields.feed === undefined) {
        this.#ended = fields.reason;
        if (fields.retry === undefined) this.#close(fields.reason);
        else this.#again(fields.reason, fields.retry);
        return;
      }
      if (type === 'open') {
        const isFirst = fields.heartbeat !== undefined;
        if (this.isOpen && isFirst && fields.id !== undefined && fields.recovered !== false) {
          this.#lost('disconnected'); // the page has moved the frame, which reads again from where it once began
          return;
        }
        this.#openedAt ??= now();
        this.#heartbeat = fields.heartbeat ?? this.#heartbeat;
        this.#ended = undefined;
      }
      this.#heard();
      this.#report({ type, ...fields });
    }

    // The frame has loaded: the stream broke, or this was never a stream.
    #finished() {
      this.#lost(this.isOpen ? 'disconnected' : 'unreachable');
    }

    async #lost(reason) {
      if (this.isOpen) {
        this.#again(reason);
        return;
      }
      // A frame does not show why it was refused.
      this.#drop();
      const probe = this.#probe = new AbortController();
      this.#wait(openTimeout, () => probe.abort());
      const { status, retry } = await this.#inspect(probe);
      if (probe !== this.#probe) return;
      if (!refusals.has(status)) this.#again(reason, retry);
      else this.#close(this.#ended === 'authentication-expired' && (status === 401 || status === 403) ? this.#ended : 'refused', status);
    }

    async #inspect(probe) {
      try {
        const { body, ...answer } = await request(this.#positions.urlOf(), probe.signal);
        body?.cancel();
        return answer;
      } catch {
        return {}; // nobody answers
      }
    }

    #again(reason, retry) {
      const isStable = this.#openedAt !== undefined && now() - this.#openedAt > stableAfter && reason !== 'error';
      if (isStable) this.#attempts = 0;
      // The server spreads its clients better than they can, but does not know which of them fail again and again.
      const delay = isStable && retry !== undefined ? Math.max(leastDelay, retry) : Math.max(retry ?? 0, backoff(this.#attempts++));
      this.#drop();
      this.#wait(delay, this.#connect);
      this.#report({ type: 'reconnecting', reason, delay });
    }

    #close(reason, status) {
      this.stop();
      this.#report({ type: 'closed', reason, status });
    }
  }

  /**
   * A tab without a connection: takes what the leader's tab reports, and fetches what it lacks. `after` is what the leader had before the
   * report; `isLive` says that nothing older than the report is still to come.
   */
  class Follower {
    #positions;
    #report;
    #stopped = new AbortController();
    #attempt;
    #taken = Promise.resolve();
    #heartbeat = usualHeartbeat;

    constructor(positions, report) {
      this.#positions = positions;
      this.#report = report;
    }

    stop() {
      this.#stopped.abort();
      this.#attempt?.abort();
    }

    /** Takes reports one after another. */
    take(report) {
      this.#taken = this.#taken.then(() => this.#apply(report)).catch(reportError);
    }

    get #isStopped() { return this.#stopped.signal.aborted; }

    async #apply({ after, isLive, heartbeat, ...report }) {
      if (this.#isStopped) return;
      this.#heartbeat = heartbeat;
      const { feed } = report;
      if (!this.#isInStep(after, report)) {
        if (this.#positions.of(feed) !== undefined) this.#report({ type: 'heartbeat' }); // the stream is open, whatever this tab lacks
        await this.#reach(report.type === 'open' ? report.id : after, isLive, feed);
        if (this.#isStopped || has(this.#positions.of(feed), report.id)) return;
        if (report.type === 'open') report = { type: 'heartbeat' };
      }
      this.#report(report);
    }

    /** Whether the report means to this tab what it means to the leader. */
    #isInStep(after, { type, id, recovered, feed }) {
      const position = this.#positions.of(feed);
      if (position === after || type === 'reconnecting' || type === 'closed') return true;
      // What a reset takes from the leader, it takes from all that have no more.
      return type === 'open' && recovered === false && isId(position) && (epochOf(position) !== epochOf(id) || has(after, position));
    }

    /** Fetches what lies between this tab's position and `target`; without a position, finds the one to start from. */
    async #reach(target, isLive, feed) {
      const position = this.#positions.of(feed);
      if (!isId(target) || has(position, target)) return;
      if (isLive && position === undefined && !this.#positions.startInPast) {
        this.#report({ type: 'open', id: target, feed });
        return;
      }
      for (let attempts = 0; !this.#isStopped; attempts++) {
        const { isThere, retry } = await this.#fetchTo(target, feed);
        if (isThere) return;
        await sleep(Math.max(retry ?? 0, backoff(attempts)), this.#stopped.signal);
      }
    }

    async #fetchTo(target, feed) {
      const attempt = this.#attempt = new AbortController();
      let timer;
      const expect = () => {
        clearTimeout(timer);
        timer = setTimeout(() => attempt.abort(), patience(this.#heartbeat));
      };
      try {
        expect();
        const { status, retry, body } = await request(this.#positions.urlOf(feed), attempt.signal);
        if (refusals.has(status)) this.#report({ type: 'closed', reason: 'refused', status });
        if (status !== 200) return { retry };
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        while (true) {
          expect();
          const { value, done } = await reader.read();
          if (done) return {};
          const lines = (text + value).split('\n');
          text = lines.pop();
          if (lines.some(line => this.#takeLine(JSON.parse(line), target))) return { isThere: true };
        }
      } catch {
        return {}; // nobody answers, or no longer; or this is no stream
      } finally {
        clearTimeout(timer);
        attempt.abort(); // the rest comes from the leader
      }
    }

    /** Whether nothing more is needed. */
    #takeLine({ type, ...report }, target) {
      if (this.#isStopped) return true;
      const { feed } = report;
      const position = this.#positions.of(feed);
      switch (type) {
        case 'open':
          if (report.recovered === false) {
            this.#report({ type, ...report, id: target }); // after it, the leader has everything
            return true;
          }
          if (!isId(position)) this.#report({ type, ...report });
          // Of another log than the leader's, nothing helps: soon it will be told so itself.
          return (position === undefined && !this.#positions.startInPast) || epochOf(report.id) !== epochOf(target) ||
            has(this.#positions.of(feed), target);
        case 'message':
          if (!has(position, report.id)) this.#report({ type, ...report });
          return has(this.#positions.of(feed), target);
        case 'skipped':
          this.#report({ type, ...report });
      }
      return type === 'heartbeat';
    }
  }

  /** One connection for all tabs: the tab that gets the lock leads, which is to connect and to broadcast its reports; the others follow. */
  class SharedConnection {
    #name;
    #positions;
    #report;
    #channel;
    #stopped = new AbortController();
    #connection;
    #follower;
    #turn;
    #release;
    #live = new Set();
    #isLeaderLost = false;
    #reached = new Map();
    #timer;
    #heardAt;
    #unanswered;
    #heartbeat = usualHeartbeat;

    constructor(positions, report) {
      this.#name = `comet ${positions.name}`;
      this.#positions = positions;
      this.#report = report;
      this.#channel = new BroadcastChannel(this.#name);
      this.#channel.onmessage = event => this.#receive(event.data);
      const { signal } = this.#stopped;
      addEventListener('pageshow', event => event.persisted && !this.#connection && this.#ask(), { signal });
      this.#follow();
      // A page that has not loaded cannot connect, so it must not lead.
      afterLoad(() => this.#standForLock(), signal);
    }

    stop() {
      this.#stopped.abort();
      this.#turn?.abort();
      this.#resign();
      this.#follower.stop();
      this.#channel.close();
      clearInterval(this.#timer);
    }

    async #standForLock() {
      this.#timer = setInterval(() => this.#watch(), tick);
      while (!this.#stopped.signal.aborted) {
        this.#turn = new AbortController();
        const options = this.#isLeaderLost ? { steal: true } : { signal: this.#turn.signal };
        this.#isLeaderLost = false;
        try {
          await navigator.locks.request(this.#name, options, () => this.#lead());
        } catch (error) {
          // AbortError: it stopped, gave up its turn to steal, or another tab stole the lock.
          if (error.name !== 'AbortError' && !this.#stopped.signal.aborted) {
            this.#goAlone();
            return;
          }
        }
        this.#follow();
      }
    }

    #lead() {
      if (this.#stopped.signal.aborted) return;
      this.#follower.stop();
      this.#live.clear();
      this.#reached.clear();
      this.#connection = new Connection(this.#positions, report => {
        this.#heartbeat = report.heartbeat ?? this.#heartbeat;
        if (report.type === 'heartbeat') this.#postHeartbeat(report);
        else this.#postOf(report);
        this.#report(report);
      });
      this.#post({ type: 'alive' }); // so that no other tab steals the lock as well
      return new Promise(resolve => { this.#release = resolve; });
    }

    #follow() {
      this.#resign();
      if (this.#stopped.signal.aborted) return;
      this.#follower?.stop();
      this.#follower = new Follower(this.#positions, this.#report);
      this.#heardAt = now();
      this.#unanswered = 0;
      this.#ask();
    }

    #resign() {
      this.#connection?.stop();
      this.#connection = undefined;
      this.#release?.();
    }

    // The browser has locks, but not for this page.
    #goAlone() {
      clearInterval(this.#timer);
      this.#channel.close();
      this.#follower.stop();
      this.#connection = new Connection(this.#positions, this.#report);
    }

    #ask() {
      this.#channel.postMessage({ type: 'ask' });
    }

    #postOf(report) {
      const { type, id, feed, recovered } = report;
      if (type === 'open' && recovered === true) this.#live.delete(feed);
      else if (type === 'open') this.#live.add(feed);
      this.#post(report);
      if (type === 'open' || type === 'message') this.#reached.set(feed, id ?? this.#after(feed));
    }

    // To each feed by itself, as a tab may lack something of one.
    #postHeartbeat(report) {
      for (const feed of this.#reached.keys()) {
        this.#live.add(feed);
        this.#post({ ...report, feed });
      }
    }

    // After the last message or open: a tab that fetches recognises that, but not a position that only a heartbeat has told.
    #after(feed) { return this.#reached.get(feed) ?? this.#positions.of(feed); }

    #post(report) {
      const { feed } = report;
      try {
        this.#channel.postMessage({ ...report, after: this.#after(feed), isLive: this.#live.has(feed), heartbeat: this.#heartbeat });
      } catch (error) {
        reportError(error); // what cannot be copied cannot be shared
      }
    }

    // Time that is counted in ticks stands still while this tab is busy, and cannot hear.
    #watch() {
      if (this.#connection || now() - this.#heardAt < patience(this.#heartbeat)) return;
      if (this.#unanswered++ === 0) {
        this.#ask();
      } else if (this.#unanswered > answerTicks) {
        this.#unanswered = 0;
        this.#isLeaderLost = true; // it holds the lock, and hangs
        this.#turn.abort();
      }
    }

    #receive(report) {
      if (this.#connection) {
        if (report.type === 'ask') this.#answer();
        else if (report.type === 'closed' && !this.#connection.isOpen) this.#report(report); // the last word of the leader before this one
      } else if (report.type !== 'ask') {
        this.#heardAt = now();
        this.#unanswered = 0;
        this.#heartbeat = report.heartbeat;
        if (report.type !== 'alive') this.#follower.take(report);
      }
    }

    #answer() {
      this.#connection.look();
      if (this.#connection.isOpen) for (const feed of this.#reached.keys()) this.#post({ type: 'heartbeat', feed });
      else this.#post({ type: 'alive' });
    }
  }

  class CometSource extends EventTarget {
    #url;
    #connection;
    #positions;
    #endedFeeds = new Set();
    #readyState = connecting;
    #handlers = {};

    constructor(url, { from, feeds, shared = false } = {}) {
      super();
      this.#url = new URL(url, document.baseURI).href;
      if (new URL(this.#url).origin !== location.origin) throw new TypeError('A Comet stream has the origin of its page.');
      for (const position of typeof from === 'object' ? Object.values(from) : [from]) {
        if (position !== undefined && position !== 'earliest' && !anId.test(position)) {
          throw new TypeError("'from' is 'earliest', or the lastEventId of a message; or an object with one of these for each feed.");
        }
      }
      const chosen = feeds && [...new Set(feeds)].sort();
      if (chosen?.length === 0) throw new TypeError("'feeds' names one at least.");
      this.#positions = new Positions(this.#url, from, chosen);
      const Kind = shared && navigator.locks && globalThis.BroadcastChannel ? SharedConnection : Connection;
      this.#connection = new Kind(this.#positions, report => this.#apply(report));
    }

    get url() { return this.#url; }
    get readyState() { return this.#readyState; }
    get lastEventId() { return isId(this.#positions.of()) ? this.#positions.of() : ''; }
    get positions() { return this.#positions.toObject(); }

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
          this.#positions.take(fields.id, fields.feed);
          if (this.#opens() && fields.recovered === false) this.#tell('gap', { feed: fields.feed });
          break;
        case 'heartbeat':
          this.#positions.raise(fields.id);
          this.#opens();
          break;
        case 'message':
          if (!this.#opens()) return;
          this.#positions.take(fields.id, fields.feed);
          this.#tellMessage('message', fields);
          if (fields.feed !== undefined && this.#readyState === open) this.#tellMessage(fields.feed, fields);
          break;
        case 'skipped':
          if (this.#opens()) this.#tell('skipped', { feed: fields.feed, count: fields.count });
          break;
        case 'end': // of one feed, which is told again whenever the others reconnect
          if (!this.#opens() || fields.retry !== undefined || this.#endedFeeds.has(fields.feed)) return;
          this.#endedFeeds.add(fields.feed);
          this.#tell('end', { feed: fields.feed, reason: fields.reason });
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

    /** Whatever comes proves that the stream is open, which is told first. False: the page has closed it thereupon. */
    #opens() {
      if (this.#readyState === connecting) {
        this.#readyState = open;
        this.#tell('open');
      }
      return this.#readyState === open;
    }

    #tellMessage(type, { data, id = '', feed }) {
      const event = new MessageEvent(type, { data, lastEventId: id, origin: new URL(this.#url).origin });
      this.dispatchEvent(Object.assign(event, { feed }));
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
