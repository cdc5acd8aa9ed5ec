// Loaded into a server that a test starts as a process of its own: answers, over
// the channel that fork() makes, what the server holds.
import process from 'node:process';

process.on('message', () => {
  globalThis.gc?.();
  process.send?.({
    resources: process.getActiveResourcesInfo(),
    rss: process.memoryUsage.rss(),
  });
});
// The channel alone must not keep the server alive.
process.channel?.unref();
