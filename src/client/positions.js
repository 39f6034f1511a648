const anId = /^[A-Za-z0-9]{1,64}-(0|[1-9]\d{0,18})$/;
const greatest = '9223372036854775807';

const offsetOf = id => id.slice(id.lastIndexOf('-') + 1);
const epochOf = id => id.slice(0, id.lastIndexOf('-'));

// Decimal numbers without leading zeros: the longer is the greater.
const compare = (left, right) => left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);

export const isId = id => typeof id === 'string' && anId.test(id) && compare(offsetOf(id), greatest) <= 0;

/** Whether a reader at `position` already has what leads up to `id`. */
const has = (position, id) =>
  isId(position) && isId(id) && epochOf(position) === epochOf(id) && compare(offsetOf(position), offsetOf(id)) >= 0;

/**
 * Where a reader is: in each feed of a stream of several, by name; on a stream of one, whose messages do not name it, `feed` is undefined.
 */
export class Positions {
  #from;
  #feeds;
  #ids = new Map();
  #reached = new Map();
  #ended = new Set();
  #away = new Set(); // feeds that the stream has, but for which it could not be opened

  /**
   * @param from `'earliest'` or an id, or an object with one of these for each feed.
   * @param feeds which are asked for; undefined: those that `from` names, else those that the stream has by itself.
   */
  constructor(from, feeds) {
    this.#from = from === '' ? undefined : from;
    this.#feeds = feeds ?? (typeof from === 'object' ? Object.keys(from).sort() : undefined);
  }

  /** The same places, as an argument of the constructor. */
  get from() {
    const ids = this.toObject();
    if (this.#ids.has()) return this.#ids.get();
    if (Object.keys(ids).length === 0) return this.#from;
    const away = Object.fromEntries([...this.#away].map(feed => [feed, this.of(feed)]));
    return { ...(typeof this.#from === 'object' && this.#from), ...away, ...ids };
  }

  get feeds() { return this.#feeds; }

  /** Whether a stream that begins anew would begin somewhere else, as one of a sequence does. */
  get areKnown() { return this.#ids.size > 0; }

  of(feed) {
    if (this.#ids.has(feed)) return this.#ids.get(feed);
    if (typeof this.#from === 'object') return this.#from[feed];
    return feed === undefined || this.#from === 'earliest' ? this.#from : undefined;
  }

  has(feed, id) { return has(this.of(feed), id); }

  hasEnded(feed) { return this.#ended.has(feed); }

  /** Takes what a report says of the place. */
  take({ type, id, feed, recovered, retry }) {
    if (type === 'heartbeat') {
      if (id !== undefined) this.#raise(id);
    } else if (type === 'end') {
      (retry === undefined ? this.#ended : this.#away).add(feed);
    } else if (isId(id) && (type === 'message' || recovered === false || !this.has(feed, id))) {
      // A stream that takes over from another one may open behind it.
      this.#ids.set(feed, id);
      this.#reached.set(feed, id);
    }
  }

  /** Whether a reader that is here has all messages that one has who is there. */
  covers(others) {
    return [...others.#reached].every(([feed, id]) => this.has(feed, id));
  }

  // Up to there, nothing is missing: in each feed whose log, which it may share with others, has the epoch of one of the ids.
  #raise(ids) {
    if (this.#ids.size === 0) this.#ids.set(undefined, ids);
    for (const id of ids.split('.')) {
      for (const [feed, position] of this.#ids) {
        if (epochOf(position) === epochOf(id) && !has(position, id)) this.#ids.set(feed, id);
      }
    }
  }

  get #known() { return [...new Set([...this.#ids.keys(), ...this.#away])].filter(feed => feed !== undefined); }

  /** Adds to the parameters of a URL from where to go on. */
  addTo(parameters) {
    const names = (this.#feeds ?? this.#known).filter(feed => !this.#ended.has(feed));
    const position = this.of();
    if (names.length > 0) ['feed', 'lastEventId'].forEach(name => parameters.delete(name));
    else if (position !== undefined) parameters.set('lastEventId', position);
    for (const name of names) {
      const id = this.of(name);
      parameters.append('feed', id === undefined ? name : `${id}@${name}`);
    }
  }

  toObject() { return Object.fromEntries([...this.#ids].filter(([feed]) => feed !== undefined)); }
}
