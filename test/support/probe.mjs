// Loaded into a server that a test starts as a process of its own: answers, over
// the channel that fork() makes, what the server holds.
import process from 'node:process';

const cpuMs = () => {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1000;
};

let collectingMs = 0;

process.on('message', () => {
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
