// The indicator at the top of every page: connecting, live, reconnecting with a countdown, ended with the reason.
(() => {
  const indicator = document.getElementById('connection');
  const [status, countdown] = indicator.children; // the first is spoken when it changes, the second never
  const reasons = {
    'completed': 'the stream is complete',
    'authentication-expired': 'your sign-in has expired',
    'refused': 'the server refused the stream',
  };
  let ticking;

  function show(state, text) {
    clearInterval(ticking);
    indicator.hidden = false;
    indicator.dataset.state = state;
    if (status.textContent !== text) status.textContent = text;
    countdown.textContent = '';
  }

  function showReconnecting(delay) {
    const until = Date.now() + delay;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      countdown.textContent = left > 0 ? ` in ${left} s` : '';
    };
    show('reconnecting', 'Reconnecting');
    tick();
    ticking = setInterval(tick, 1000);
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
    // Every message is a script. Of a stream that broke, a browser may show no more than that none come.
    const messages = new MutationObserver(showLive);
    let heartbeat = 15_000;
    let silence;

    function showLive() {
      if (indicator.dataset.state !== 'live') show('live', 'Live');
      clearTimeout(silence);
      silence = setTimeout(() => show('ended', 'Ended: reload the page'), heartbeat + Math.max(2_000, heartbeat / 2));
    }

    function end(text) {
      clearTimeout(silence);
      messages.disconnect();
      show('ended', text);
    }

    show('connecting', 'Connecting');
    frame.addEventListener('comet', event => {
      const { type, reason } = event.detail;
      if (type === 'open') {
        heartbeat = event.detail.heartbeat ?? heartbeat;
        messages.observe(frame.contentDocument, { childList: true, subtree: true });
        showLive();
      }
      if (type === 'end') end(`Ended: ${reasons[reason] ?? reason}. Reload the page`);
    });
    frame.addEventListener('load', () => {
      if (indicator.dataset.state !== 'ended') end('Ended: reload the page');
    });
  };
})();
