import './comet.js';

export const { CometSource } = globalThis;
