export * from './comet.js';
