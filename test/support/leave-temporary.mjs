/*
 * Does as a server that is killed while it writes a file with a temporary name: by the built
 * program, without the calls by which a file needs none. Arguments: the state folder, the file.
 */
import { Agent } from '../../dist/files/agent/agent.js';
import { Desk } from '../../dist/files/agent/desk.js';
import { Places } from '../../dist/files/agent/places.js';
import { openFileRecords } from '../../dist/files/file-records.js';

const [, , stateFolder, path] = process.argv;
const { folder: records } = await openFileRecords(stateFolder);
// `null` is none, and not the default.
const places = Object.assign(new Places([]), { native: undefined });
const desk = new Desk(new Agent({ roots: [], records }, places));
const args = { path, disposition: 'replace', parents: false, ifVersion: '', sync: false };
for (const request of [
  { kind: 'begin', task: 1, operation: 'writeFile', args },
  { kind: 'step', task: 1, input: Buffer.from('a part') },
]) {
  const answer = desk.answer(request);
  if (answer.kind !== 'piece') throw new Error(JSON.stringify(answer));
}
process.kill(process.pid, 'SIGKILL');
