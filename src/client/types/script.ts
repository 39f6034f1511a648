// A page with comet.js as a classic script: the global, by its name alone. Never run; the compiler reads it.
import type {} from '../../Comet.AspNetCore/wwwroot/comet.js';

const source = new CometSource<{ text: string }>('/news/stream', { from: 'earliest', shared: true });
source.onmessage = event => event.data.text.length;
source.onopen = event => event.recovered === true;
source.addEventListener('reconnecting', ({ attempt, delay, reason, status }) => `${attempt} ${delay} ${reason} ${status ?? 0}`);
source.addEventListener('closed', event => event.status === 403 && event.message?.length);
source.addEventListener('statechange', () => source.readyState === source.OPEN);
// @ts-expect-error: the data has no such member
source.onmessage = event => event.data.words;
// @ts-expect-error: it cannot be set
source.readyState = 2;

function show(source: CometSource<{ text: string }>): void { source.close(); }
show(source);

new CometSource(new URL('https://example.org/stream'), { from: null, withCredentials: true, transport: 'poll' }).reconnect();
// @ts-expect-error: there is no such transport
new CometSource('/stream', { transport: 'websocket' });

// What is an EventSource to a page may be one of these.
const eventSource: Pick<EventSource, 'url' | 'readyState' | 'withCredentials' | 'close' | 'CONNECTING' | 'OPEN' | 'CLOSED'> = source;
eventSource.close();
