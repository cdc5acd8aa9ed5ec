/** The library of runlet: a client, and what it works with. */

export * from './client/index.ts';
