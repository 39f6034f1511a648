// A bundle or a module: what is exported. Never run; the compiler reads it.
import { CometSource, type CometSourceInit } from '../../Comet.AspNetCore/wwwroot/comet.mjs';

const init: CometSourceInit = {
  feeds: ['vitals', 'rooms/42'],
  from: { vitals: 'k3J9-41' },
  headers: async () => ({ Authorization: `Bearer ${await Promise.resolve('token')}` }),
};
const source = new CometSource<number>('/live/stream', init);
const listener = (event: MessageEvent<number>) => event.data.toFixed(1);
source.addEventListener('vitals', event => event.feed === 'vitals' && event.data.toFixed(1));
source.addEventListener('vitals', listener);
source.removeEventListener('vitals', listener);
source.addEventListener('gap', ({ feed }) => feed?.length);
source.addEventListener('end', ({ feed, reason }) => feed.length + reason.length);
source.addEventListener('skipped', ({ count }) => count.toFixed());
CometSource.workerUrl = '/assets/comet.js';
const position: string = source.positions['vitals'] ?? source.lastEventId;
new CometSource('/live/stream', { from: position }).close();
// @ts-expect-error: names, no numbers
new CometSource('/live/stream', { feeds: [1] });
