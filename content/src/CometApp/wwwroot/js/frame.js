// A plain frame does not say that its stream broke, and the browser's Stop button ends it. This notices, says so, and loads it again.
// Milliseconds of silence mean a break: by default, those in which a heartbeat was due.
globalThis.keepLive = (frame, silence) => {
  const openTimeout = 15_000;
  const now = () => performance.now();
  let heartbeat = 15_000; // until the stream says
  let failures = 0;
  let isWaiting;
  let dueAt; // when to load, or when the silence is a break
  let openedAt;
  let listening;

  // Every message is a script in the frame, a heartbeat too.
  const messages = new MutationObserver(hear);

  function hear() {
    dueAt = now() + (silence ?? heartbeat + Math.max(2_000, heartbeat / 2));
  }

  function listen() {
    listening = new AbortController();
    isWaiting = false;
    openedAt = Infinity;
    dueAt = now() + openTimeout;
    frame.addEventListener('comet', ({ detail: { type, ...stream } }) => {
      if (type === 'open') open(stream);
      if (type === 'end') end(stream);
    }, { signal: listening.signal });
    frame.addEventListener('load', () => comeBack(), { signal: listening.signal }); // it is over, or there was none
  }

  function open(stream) {
    heartbeat = stream.heartbeat ?? heartbeat;
    openedAt = now();
    hear();
    messages.observe(frame.contentDocument, { childList: true, subtree: true });
    // It was stopped, or broke.
    frame.contentDocument.addEventListener('readystatechange', () => comeBack(), { signal: listening.signal });
    showState('live', 'Live');
  }

  function end({ reason, retry }) {
    comeBack(retry);
    if (retry !== undefined) return;
    clearInterval(timer);
    showEnd(reason);
  }

  function comeBack(retry = 0) {
    listening.abort();
    messages.disconnect();
    if (now() - openedAt > 5_000) failures = 0;
    const delay = Math.max(retry, 250 + Math.random() * Math.min(30_000, 1_000 * 2 ** failures++));
    isWaiting = true;
    dueAt = now() + delay;
    showState('reconnecting', 'Reconnecting', delay);
  }

  // A new frame is no step of the Back button.
  function load() {
    const next = frame.cloneNode();
    frame.replaceWith(next);
    frame = next;
    listen();
  }

  const timer = setInterval(() => {
    const isDue = now() >= dueAt;
    if (isWaiting && isDue) load();
    // A document that may not be seen is an error page of the browser.
    else if (!isWaiting && (isDue || frame.contentDocument === null)) comeBack();
  }, 250);
  showState('connecting', 'Connecting');
  listen();
};
