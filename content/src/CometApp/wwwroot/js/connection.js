// What a page says of its stream: an indicator at its top, and at the values themselves since when they are stale.
(() => {
  const indicator = document.getElementById('connection');
  const [status, countdown] = indicator.children; // the first is spoken when it changes, the second never
  const reasons = {
    'completed': 'the stream is complete',
    'authentication-expired': 'your sign-in has expired',
    'blocked': 'the policy of this page forbids the stream',
    'refused': 'the server refused the stream',
  };
  let currentAt = performance.timeOrigin; // until it is live, a page is as old as its HTML
  let ticking;

  function count(until) {
    const left = Math.ceil((until - Date.now()) / 1000);
    countdown.textContent = left > 0 ? ` in ${left} s` : '';
  }

  function markValues(isStale) {
    const since = `stale since ${new Date(currentAt).toTimeString().slice(0, 8)}`;
    for (const value of document.querySelectorAll('[data-live]')) {
      if (isStale) value.dataset.stale = since;
      else delete value.dataset.stale;
    }
  }

  /** Shows a state: connecting, live, reconnecting or ended. With a delay, in milliseconds, it counts down. */
  globalThis.showState = (state, text, delay = 0) => {
    const isFirst = indicator.hidden;
    if (indicator.dataset.state === 'live' && state !== 'live') currentAt = Date.now();
    indicator.hidden = false;
    indicator.dataset.state = state;
    indicator.title = text; // a narrow window may cut it
    if (status.textContent !== text) status.textContent = text;
    clearInterval(ticking);
    const until = Date.now() + delay;
    count(until);
    if (delay > 0) ticking = setInterval(count, 1000, until);
    markValues(state !== 'live' && !isFirst);
  };

  /** Shows that there is no more, for a reason of docs/wire-protocol.md. */
  globalThis.showEnd = reason => showState('ended', `Ended: ${reasons[reason] ?? reason}`);

  /** Shows the state of a CometSource, whatever changes it. */
  globalThis.showConnection = source => {
    const show = () => showState(...[['connecting', 'Connecting'], ['live', 'Live'], ['ended', 'Closed']][source.readyState]);
    source.addEventListener('statechange', show);
    source.addEventListener('reconnecting', event => showState('reconnecting', 'Reconnecting', event.delay));
    source.addEventListener('closed', event => showEnd(event.reason));
    show();
  };
})();
