import { OwnConnection } from './own.js';
import { followLife, whenSeen } from './life.js';
import { patience, tick, usualHeartbeat } from './timing.js';

// Of the worker, which is told by its name: one of another version answers nobody.
const protocol = 'comet 1';

// So many ticks after a question, the worker does not serve.
const answerTicks = 3;

/** The workers of this page, by their scripts. A page never gets rid of a SharedWorker object, so it has one, for all of its sources. */
const workers = new Map();

function workerOf(script) {
  if (!workers.has(script)) workers.set(script, new SharedWorker(script, protocol));
  return workers.get(script);
}

/**
 * The connection that all tabs of a browser share, in a SharedWorker. Where there is none, or it does not answer, as one in a process that
 * was stopped, the page connects alone.
 */
export class SharedLink {
  #script;
  #wanted;
  #tell;
  #worker;
  #port;
  #own;
  #stopped = new AbortController();
  #timer;
  #silentTicks = 0;
  #fail = () => this.#goAlone(); // a policy forbids the worker, or its script was not found
  #heartbeat = usualHeartbeat;

  /** @param wanted gives what to read, from where the page is. */
  constructor(script, wanted, tell) {
    this.#script = script;
    this.#wanted = wanted;
    this.#tell = tell;
    const { signal } = this.#stopped;
    followLife({
      leave: () => this.#leave(),
      comeBack: () => this.#join(),
      wake: isNew => {
        if (!this.#port) return;
        this.#send({ type: 'wake', isNew });
        this.#ask();
      },
      lose: () => this.#send({ type: 'lose' }),
    }, signal);
    // Not at once, so that whoever made the source can listen to it, and close it.
    setTimeout(() => signal.aborted || whenSeen(() => this.#join(), signal));
  }

  reconnect() {
    if (this.#own) this.#own.reconnect();
    else if (this.#port) this.#send({ type: 'reconnect' });
    else this.#join();
  }

  stop() {
    this.#stopped.abort();
    this.#leave();
    this.#own?.stop();
  }

  #join() {
    this.#leave();
    try {
      const worker = this.#worker = workerOf(this.#script);
      worker.addEventListener('error', this.#fail);
      const { port1, port2 } = new MessageChannel();
      worker.port.postMessage(null, [port2]);
      this.#port = port1;
      port1.onmessage = ({ data }) => this.#take(data);
      this.#send({ type: 'join', wanted: this.#wanted() });
    } catch {
      this.#goAlone(); // the browser forbids it, or cannot send what is wanted
      return;
    }
    this.#timer = setInterval(() => this.#watch(), tick);
    this.#ask();
  }

  #leave() {
    clearInterval(this.#timer);
    if (!this.#port) return;
    this.#send({ type: 'leave' });
    this.#worker.removeEventListener('error', this.#fail);
    this.#port.onmessage = null;
    this.#port.close();
    this.#worker = this.#port = undefined;
  }

  #goAlone() {
    if (this.#stopped.signal.aborted) return;
    workers.delete(this.#script);
    this.#stopped.abort();
    this.#leave();
    this.#own = new OwnConnection(this.#wanted(), this.#tell);
  }

  #send(message) { this.#port?.postMessage(message); }

  #ask() {
    this.#send({ type: 'ask' });
    this.#silentTicks = Math.max(this.#silentTicks, this.#quietTicks);
  }

  get #quietTicks() { return Math.ceil(patience(this.#heartbeat) / tick); }

  // Time that is counted in ticks stands still while this tab is busy, and cannot hear.
  #watch() {
    this.#silentTicks++;
    if (this.#silentTicks === this.#quietTicks) this.#ask();
    else if (this.#silentTicks > this.#quietTicks + answerTicks) this.#goAlone();
  }

  #take(batch) {
    this.#silentTicks = 0;
    const port = this.#port;
    const [{ type, heartbeat }] = batch;
    if (type === 'rejoin') {
      this.#join();
    } else if (type !== 'alive') {
      this.#heartbeat = heartbeat ?? this.#heartbeat;
      this.#tell(batch);
      if (batch.some(report => report.type === 'closed') && port === this.#port) this.stop();
    }
    if (port === this.#port) this.#send({ type: 'taken' });
  }
}
