// comet.js is a script, which defines a global and exports nothing; comet.mjs is the module.
export {};

declare global {
  const CometSource: typeof import('./comet.mjs').CometSource;
  type CometSource<T = any> = import('./comet.mjs').CometSource<T>;
}
