// The served file: in a page it defines the global CometSource, and in the worker that tabs share it serves them.
import { CometSource } from './source.js';
import { serveTabs } from './worker.js';

if ('SharedWorkerGlobalScope' in globalThis) {
  serveTabs(globalThis);
} else {
  CometSource.workerUrl = globalThis.document?.currentScript?.src;
  globalThis.CometSource = CometSource;
}
