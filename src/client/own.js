import { Connection } from './connection.js';
import { followLife, whenSeen } from './life.js';

/** A connection of this page alone, which lives as the page does. */
export class OwnConnection {
  #connection;
  #stopped = new AbortController();
  #isAway = false;

  constructor(wanted, tell) {
    const { signal } = this.#stopped;
    this.#connection = new Connection(wanted, batch => {
      // Closed for good: there is no page's life to follow any more.
      if (batch.some(({ type }) => type === 'closed')) this.#stopped.abort();
      return tell(batch);
    });
    followLife({
      leave: () => {
        this.#isAway = true;
        this.#connection.stop();
      },
      comeBack: () => {
        this.#isAway = false;
        this.#connection.connect();
      },
      wake: isNew => this.#connection.wake(isNew),
      lose: () => this.#connection.lose(),
    }, signal);
    // Not at once, so that whoever made the source can listen to it, and close it.
    setTimeout(() => signal.aborted || whenSeen(() => this.#isAway || this.#connection.connect(), signal));
  }

  reconnect() { this.#connection.connect(); }

  stop() {
    this.#stopped.abort();
    this.#connection.stop();
  }
}
