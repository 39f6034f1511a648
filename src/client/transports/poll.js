import { leastDelay, now, pollWait, tick } from '../timing.js';

/**
 * One short answer after another, through what holds bytes back until an answer is complete. The first comes at once, which shows that
 * this way is open; each later one with the next message.
 */
export async function poll({ request, positions }, told, signal) {
  for (let wait = 0; ; wait = pollWait) {
    const began = now();
    told.expectWithin(wait);
    const outcome = await request.read(positions, { wait: wait / 1_000 }, told, signal);
    if (outcome.reason !== 'polled' || signal.aborted) return outcome;
    // A sequence, which has no position, gives the same again and again.
    const least = positions.areKnown || wait === 0 ? 0 : tick;
    const left = Math.max(outcome.retry < leastDelay ? 0 : outcome.retry, began + least - now());
    if (left > 0) await new Promise(resolve => setTimeout(resolve, left));
  }
}
