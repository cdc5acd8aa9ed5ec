// Loaded into a server that is loaded: collects all garbage when SIGUSR2 comes, so that what
// a server holds can be told from what it has not got around to giving back.
import process from 'node:process';

process.on('SIGUSR2', () => globalThis.gc?.());
