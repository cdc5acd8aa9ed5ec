// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

/*
 * Imported by a program before all else: leaves a CPU profile of it in the folder that its own URL
 * names. Node.js with `--cpu-prof` writes one when it tears itself down, which a server that ends by
 * _exit(2) never does.
 */

const folder = new URL(import.meta.url).searchParams.get('folder') ?? '.';
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.start');
process.on('exit', () => {
  session.post('Profiler.stop', (error, result) => {
    if (error !== null) throw error;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${process.pid}.cpuprofile`), JSON.stringify(result.profile));
  });
});
