import { Connection } from './connection.js';
import { followClock } from './life.js';

// A tab that has not taken so many batches is stopped, or too busy: the browser keeps them in memory.
const mostUntaken = 32;

/** The connections that tabs share, by what they read and for whom. */
const shared = new Map();

/** Serves the tabs of a SharedWorker, each of which sends a port for each of its sources. */
export function serveTabs(scope) {
  scope.onconnect = ({ ports: [page] }) => {
    page.onmessage = ({ ports: [port] }) => new Tab(port);
  };
  followClock(isNew => {
    for (const connection of shared.values()) connection.wake(isNew);
  }, new AbortController().signal);
}

/** For whom a stream was opened, empty for all; undefined: it was not opened in this batch. */
function audienceIn(batch) {
  const opened = batch.findLast(({ type, heartbeat }) => type === 'open' && heartbeat !== undefined);
  return opened && (opened.audience ?? '');
}

/**
 * One source of a tab. It begins with a connection of its own. As soon as that is open and has all that a shared one has which was opened
 * for the same audience, the tab goes on with that one; where there is none, its own becomes the shared one.
 */
class Tab {
  #port;
  #what;
  #own;
  #shared;
  #key;
  #whenTaken;
  #untaken = 0;
  #isBehind = false;

  constructor(port) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  /** Sends a batch of the shared connection. */
  send(batch) {
    if (this.#untaken < mostUntaken) {
      this.#post(batch);
    } else {
      // What it misses it gets by a connection of its own, once it has taken what it has.
      this.#leave();
      this.#isBehind = true;
    }
  }

  /** Lets the tab begin anew, from where it is. */
  sendAway() {
    this.#leave();
    this.#post([{ type: 'rejoin' }]);
  }

  #post(batch) {
    this.#untaken++;
    this.#port.postMessage(batch);
  }

  #receive({ type, ...fields }) {
    switch (type) {
      case 'join':
        this.#join(fields);
        break;
      case 'taken':
        this.#taken();
        break;
      case 'ask':
        this.#post([{ type: 'alive' }]);
        break;
      case 'wake':
        this.#connection?.wake(fields.isNew);
        break;
      case 'lose':
        this.#connection?.lose();
        break;
      case 'reconnect':
        this.#connection?.connect();
        break;
      case 'leave':
        this.#leave();
        this.#port.close();
    }
  }

  get #connection() { return this.#shared ?? this.#own; }

  #taken() {
    if (--this.#untaken > 0) return;
    this.#whenTaken?.();
    if (this.#isBehind) this.sendAway();
  }

  #join({ wanted }) {
    this.#leave();
    this.#isBehind = false;
    const { url, init, feeds, transport } = wanted;
    this.#what = JSON.stringify([url, init, feeds, transport]);
    const own = this.#own = new Connection(wanted, batch => this.#take(batch));
    this.#post([{ type: 'alive' }]);
    own.connect();
  }

  // The connection waits for a tab that is slow to take what it gets.
  #take(batch) {
    this.#post(batch);
    const audience = audienceIn(batch);
    if (audience !== undefined) this.#key = `${this.#what} ${audience}`;
    if (this.#own.isOpen && this.#key !== undefined) this.#merge();
    return this.#own && this.#untaken >= mostUntaken ? new Promise(resolve => { this.#whenTaken = resolve; }) : undefined;
  }

  #merge() {
    const there = shared.get(this.#key);
    if (there === undefined) {
      this.#shared = new SharedConnection(this.#key, this.#own);
    } else if (there.isOpen && this.#own.positions.covers(there.positions)) {
      this.#own.stop();
      this.#shared = there;
    } else {
      return;
    }
    this.#own = undefined;
    this.#shared.add(this);
  }

  #leave() {
    this.#own?.stop();
    this.#shared?.remove(this);
    this.#own = this.#shared = this.#key = undefined;
  }
}

/** A connection and the tabs that live on it. */
class SharedConnection {
  #key;
  #connection;
  #tabs = new Set();

  constructor(key, connection) {
    this.#key = key;
    this.#connection = connection;
    connection.tell = batch => this.#take(batch);
    shared.set(key, this);
  }

  get isOpen() { return this.#connection.isOpen; }
  get positions() { return this.#connection.positions; }
  wake(isNew) { this.#connection.wake(isNew); }
  lose() { this.#connection.lose(); }
  connect() { this.#connection.connect(); }
  add(tab) { this.#tabs.add(tab); }

  remove(tab) {
    this.#tabs.delete(tab);
    if (this.#tabs.size === 0) this.#end();
  }

  #take(batch) {
    const audience = audienceIn(batch);
    if (audience !== undefined && !this.#key.endsWith(` ${audience}`)) {
      // Somebody else has signed in, in the same browser.
      this.#end();
      for (const tab of this.#tabs) tab.sendAway();
      return;
    }
    for (const tab of this.#tabs) tab.send(batch);
    if (batch.some(({ type }) => type === 'closed')) this.#end();
  }

  #end() {
    this.#connection.stop();
    if (shared.get(this.#key) === this) shared.delete(this.#key);
  }
}
