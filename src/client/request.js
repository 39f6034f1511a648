import { nextTask, now } from './timing.js';
import { Lines } from './lines.js';

const lines = 'application/x-ndjson';

// A longer URL may be refused on its way.
const mostUrl = 4_000;
const mostRetryAfter = 86_400_000;

// While messages are handled, the page gets its turn as often as this.
const taskBudget = 8;

// Answers after which coming back is pointless until somebody does something. While a backend restarts, a proxy answers 404 or 405.
const refusals = new Set([204, 400, 401, 403, 410]);

/**
 * What is asked of the server, again and again. What becomes of an answer is an outcome: `reason`, and where there are such `status`,
 * `retry` (milliseconds), `message` (what the server says of it) and `isFinal` (do not come back).
 */
export class StreamRequest {
  #url;
  #headers;
  #credentials;

  /** @param headers an object; or a function that gives one, or a promise of one, each time. */
  constructor(url, { headers, withCredentials = false } = {}) {
    this.#url = url;
    this.#headers = headers;
    this.#credentials = withCredentials ? 'include' : 'same-origin';
  }

  /** The URL to go on from there. */
  urlAt(positions, parameters) {
    const url = new URL(this.#url);
    positions.addTo(url.searchParams);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url;
  }

  /**
   * Reads an answer to its end. `told.alive` is called for every piece of it, `told.take` with what is on its lines.
   * @param parameters of the query.
   * @returns the outcome.
   */
  async read(positions, parameters, told, signal) {
    try {
      const response = await this.#send(positions, parameters, signal);
      if (response.status !== 200 || !isStream(response)) return await outcomeOf(response);
      return await readLines(response.body, told);
    } catch (error) {
      await nextTask(); // if it was a policy of the page, it says so by now
      // Nobody answers, or no longer.
      return { reason: told.hasOpened() ? 'disconnected' : 'unreachable', message: error.message };
    }
  }

  /** What the server would answer. */
  async inspect(positions, signal) {
    try {
      return await outcomeOf(await this.#send(positions, {}, signal));
    } catch {
      await nextTask();
      return { reason: 'unreachable' };
    }
  }

  async #send(positions, parameters, signal) {
    let url = this.urlAt(positions, parameters);
    const given = typeof this.#headers === 'function' ? await this.#headers() : this.#headers;
    const request = {
      headers: { Accept: lines, ...given }, cache: 'no-store', redirect: 'manual', credentials: this.#credentials, signal,
    };
    if (url.href.length > mostUrl) {
      // More feeds than a URL holds.
      request.method = 'POST';
      request.body = new URLSearchParams(url.searchParams.getAll('feed').map(feed => ['feed', feed]));
      url.searchParams.delete('feed');
    }
    return fetch(url, request);
  }
}

/** A policy of the page stays as it is, so coming back is pointless. */
export const blockedBy = ({ effectiveDirective }) =>
  ({ reason: 'blocked', message: `The page's policy does not allow it: ${effectiveDirective}.`, isFinal: true });

const isStream = response => response.body && response.headers.get('Content-Type')?.startsWith(lines);

async function outcomeOf(response) {
  const { headers, type, body } = response;
  const status = type === 'opaqueredirect' ? 401 : response.status; // to a sign-in page, where no stream is
  if (status === 200) {
    body?.cancel();
    return { reason: isStream(response) ? 'disconnected' : 'not-a-stream', status };
  }
  const isFinal = refusals.has(status);
  const isSentence = headers.get('Content-Type')?.startsWith('text/plain');
  return {
    reason: isFinal ? 'refused' : 'unreachable',
    status,
    isFinal,
    retry: retryAfter(headers.get('Retry-After')),
    message: isSentence ? (await response.text()).slice(0, 500) : void body?.cancel(),
  };
}

// Seconds, or a date; clients that were told the same come at different times.
function retryAfter(text) {
  const seconds = /^\d+$/.test(text ?? '') ? Number(text) : (Date.parse(text) - Date.now()) / 1_000;
  return seconds > 0 ? Math.min(mostRetryAfter, seconds * (1 + Math.random()) * 1_000) : undefined;
}

async function readLines(body, told) {
  const reader = body.getReader();
  const lines = new Lines();
  let since = now();
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return { reason: told.hasOpened() ? 'disconnected' : 'unreachable' };
      told.alive();
      const reports = lines.take(value);
      if (reports.length > 0) {
        const outcome = await told.take(reports);
        if (outcome) return outcome;
      }
      if (now() - since > taskBudget) {
        await nextTask();
        since = now();
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // it broke already
  }
}
