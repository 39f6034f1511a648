// The indicator at the top of every page: connecting, live, reconnecting with a countdown, ended with the reason.
(() => {
  const indicator = document.getElementById('connection');
  const reasons = {
    'completed': 'the stream is complete',
    'authentication-expired': 'your sign-in has expired',
    'refused': 'the server refused the stream',
  };
  let countdown;

  function show(state, text) {
    clearInterval(countdown);
    indicator.hidden = false;
    if (indicator.dataset.state !== state || indicator.textContent !== text) {
      indicator.dataset.state = state;
      indicator.textContent = text;
    }
  }

  function showReconnecting(delay) {
    const until = Date.now() + delay;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      indicator.textContent = left > 0 ? `Reconnecting in ${left} s` : 'Reconnecting';
    };
    show('reconnecting', 'Reconnecting');
    tick();
    countdown = setInterval(tick, 1000);
  }

  /** Shows the state of a CometSource. */
  globalThis.showConnection = source => {
    show('connecting', 'Connecting');
    source.addEventListener('open', () => show('live', 'Live'));
    source.addEventListener('reconnecting', event => showReconnecting(event.delay));
    source.addEventListener('closed', event => show('ended', `Ended: ${reasons[event.reason] ?? event.reason}`));
  };

  /** Shows the state of a plain stream in an iframe, which does not reconnect by itself. */
  globalThis.showFrameConnection = frame => {
    show('connecting', 'Connecting');
    frame.addEventListener('comet', event => {
      const { type, reason } = event.detail;
      if (type === 'open') show('live', 'Live');
      if (type === 'end') show('ended', `Ended: ${reasons[reason] ?? reason}. Reload the page`);
    });
    frame.addEventListener('load', () => {
      if (indicator.dataset.state !== 'ended') show('ended', 'Ended: reload the page');
    });
  };
})();
