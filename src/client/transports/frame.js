import { blockedBy } from '../request.js';

/**
 * Reads script tags through a hidden frame, in which each message calls a function. Where fetch cannot stream, or may not connect; and
 * for raw JavaScript, which is no JSON.
 */
export async function frame({ request, positions }, told, signal) {
  await untilLoaded(signal);
  if (signal.aborted) return {};
  const outcome = await read(request.urlAt(positions, { callback: 'frameElement.comet' }), told, signal);
  // A frame does not show why it was refused.
  return outcome ?? (told.hasOpened() ? { reason: 'disconnected' } : await request.inspect(positions, signal));
}

const mostWaitForLoad = 5_000;
const watchTick = 500;

// A frame that is inserted earlier keeps the page's own load event from firing. One image that hangs must not keep the stream from
// starting.
function untilLoaded(signal) {
  if (document.readyState === 'complete') return new Promise(resolve => setTimeout(resolve));
  return new Promise(resolve => {
    const timer = setTimeout(resolve, mostWaitForLoad);
    const done = () => {
      clearTimeout(timer);
      setTimeout(resolve);
    };
    addEventListener('load', done, { once: true, signal });
    signal.addEventListener('abort', done);
  });
}

// Returns undefined where the frame says nothing but that it is over.
function read(url, told, signal) {
  return new Promise(resolve => {
    const holder = document.createElement('iframe');
    holder.hidden = true;
    holder.tabIndex = -1;
    holder.title = 'Comet stream';
    holder.setAttribute('aria-hidden', 'true');
    holder.style.setProperty('display', 'none', 'important');
    document.documentElement.append(holder); // a page that replaces its body keeps it

    // Of a stream that breaks, some browsers tell nothing to its own frame; but a document around it has loaded then.
    const written = holder.contentDocument;
    written.open();
    written.write('<!DOCTYPE html><title>Comet stream</title><body>');
    const inner = written.createElement('iframe');
    inner.sandbox = 'allow-scripts allow-same-origin'; // what it loads cannot take the page elsewhere

    const finish = outcome => {
      clearInterval(watch);
      holder.remove();
      resolve(outcome);
    };
    const take = reports => Promise.resolve(told.take(reports)).then(outcome => outcome && finish(outcome));
    let length;
    let hasOpened = false;
    const watch = setInterval(() => {
      const document = inner.contentDocument;
      if (!document || !holder.isConnected) return finish();
      // A long message shows while it comes.
      const grown = document.documentElement?.textContent.length ?? 0;
      if (length !== undefined && grown !== length) told.alive();
      length = grown;
      // WebKit tells of a reset nowhere else. While it comes, other browsers give no end, or the start.
      const [navigation] = inner.contentWindow.performance.getEntriesByType('navigation');
      if (document.URL !== 'about:blank' && navigation?.responseEnd > navigation?.responseStart) finish();
    }, watchTick);
    inner.comet = (data, id, feed) => {
      told.alive();
      take([{ type: 'message', data: toOwn(data), id, feed }]);
    };
    inner.addEventListener('comet', event => {
      told.alive();
      const { type, heartbeat } = event.detail;
      // The page has moved the frame, which reads again from where it once began.
      if (type === 'open' && heartbeat !== undefined && hasOpened) return finish();
      hasOpened ||= type === 'open';
      take([{ ...event.detail }]);
    });
    inner.addEventListener('load', () => setTimeout(finish)); // a policy that forbids it says so first
    written.addEventListener('securitypolicyviolation', event => finish(blockedBy(event)));
    inner.src = url;
    written.body.append(inner);
    written.close();
    holder.addEventListener('load', () => setTimeout(finish)); // whoever moves it has to end first
    signal.addEventListener('abort', () => finish({}));
  });
}

// An object of the frame's realm would keep that realm in memory, and fail instanceof.
function toOwn(data) {
  if (typeof data !== 'object') return data;
  try {
    return structuredClone(data);
  } catch {
    return data; // it has functions
  }
}
