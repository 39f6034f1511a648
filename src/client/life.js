import { now, tick } from './timing.js';

// What a thread that is busy, or a throttled timer, does not explain in a page that is seen.
const jump = 10_000;

/** Follows what a page goes through, until the signal. */
export function followLife({ leave, comeBack, wake, lose }, signal) {
  const on = (target, type, action) => target.addEventListener(type, action, { signal });
  // A page in the back/forward cache, or frozen, reads nothing: a stream that went on would keep it out of that cache, or fill its memory.
  on(globalThis, 'pagehide', leave);
  on(globalThis, 'pageshow', event => event.persisted && comeBack());
  on(document, 'freeze', leave);
  on(document, 'resume', comeBack);
  on(document, 'visibilitychange', () => document.visibilityState === 'visible' && wake(false));
  on(globalThis, 'online', () => wake(true));
  on(globalThis, 'offline', lose);
  followClock(wake, signal);
}

/** A computer that slept has sockets that may be dead, and nothing tells of them. */
export function followClock(wake, signal) {
  let [seen, time] = [now(), Date.now()];
  const timer = setInterval(() => {
    const passed = Date.now() - time;
    // By the one clock the computer slept; by the other a timer was late, as timers of hidden pages are.
    const isJump = passed - (now() - seen) > jump || (passed > jump && globalThis.document?.visibilityState !== 'hidden');
    [seen, time] = [now(), Date.now()];
    if (isJump) wake(true);
  }, tick);
  signal.addEventListener('abort', () => clearInterval(timer));
}

/** A page that is rendered ahead may never be seen, and must not take a connection. */
export function whenSeen(action, signal) {
  if (document.prerendering) document.addEventListener('prerenderingchange', action, { once: true, signal });
  else action();
}
