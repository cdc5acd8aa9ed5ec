// Loaded into a server that a test starts as a process of its own: answers, over
// the channel that fork() makes, what the server holds; or does to it what a test asks for.
import crypto from 'node:crypto';
import { open } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { parsedScripts } from './parsed-scripts.mjs';

const cpuMs = () => {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1000;
};

let collectingMs = 0;

process.on('message', (message) => {
  if (message.throw !== undefined) throw new Error(message.throw);
  if (message.crash !== undefined) {
    // What makes an id next has a fault that nobody has thought of.
    const { randomUUID } = crypto;
    crypto.randomUUID = () => {
      crypto.randomUUID = randomUUID;
      throw new Error(message.crash);
    };
    process.send?.('armed');
    return;
  }
  if (message.open !== undefined) {
    open(message.open, () => {});
    return;
  }
  if (message === 'modules') {
    process.send?.({ modules: Object.keys(createRequire(import.meta.url).cache) });
    return;
  }
  if (message === 'scripts') {
    process.send?.({ scripts: parsedScripts() });
    return;
  }
  const before = cpuMs();
  globalThis.gc?.();
  const after = cpuMs();
  collectingMs += after - before;
  process.send?.({
    resources: process.getActiveResourcesInfo(),
    rss: process.memoryUsage.rss(),
    cpuMs: after - collectingMs,
  });
});
// The channel alone must not keep the server alive.
process.channel?.unref();
