import './comet.js';

export const { CometSource } = globalThis;
CometSource.workerUrl ??= new URL('comet.js', import.meta.url).href;
