// How long things take. Milliseconds; docs/wire-protocol.md says what clients have to keep to.

export const leastDelay = 250;
const mostDelay = 30_000;

/** A stream that was open this long did not fail. */
export const stableAfter = 5_000;

/** Where the stream does not say. */
export const usualHeartbeat = 15_000;

/** Of a stream that says nothing: a long poll is tried beside it. */
export const pollBesideAfter = 4_000;

/** Of an attempt that brings nothing at all. */
export const openTimeout = 45_000;

/** What a poll asks the server to wait: less than what most proxies give a quiet request. */
export const pollWait = 20_000;

/** Timers of a background tab fire no more often. */
export const tick = 1_000;

export const now = () => performance.now();

/** The silence after which a stream is dead: a heartbeat was due, and had time to arrive. */
export const patience = heartbeat => heartbeat + Math.max(2_000, heartbeat / 2);

/** Full jitter, which spreads a crowd evenly, over a time that doubles. */
export const backoff = attempts => leastDelay + Math.random() * Math.min(mostDelay, 1_000 * 2 ** attempts);

/** After an answer that is no stream, such as a captive portal's page: time for somebody to do something. */
export const slowBackoff = attempts => 5_000 + backoff(attempts + 3);

/** Lets the page draw and answer, also in the background, where a timer would take a second. */
export const nextTask = () => new Promise(resolve => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(0);
});
