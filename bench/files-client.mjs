// @ts-check
/**
 * Carries a file or a folder with the client library, in a process of its own as `runlet cp` is:
 *
 *     node bench/files-client.mjs SOCKET up|down FROM TO
 */
import { built } from './lib/built.mjs';

/** @type {typeof import('../src/client/index.ts')} */
const { connect } = await built('client/index.js');

const [socket = '', direction = '', from = '', to = ''] = process.argv.slice(2);
const client = connect(`unix:${socket}`);
const session = await client.session();
try {
  if (direction === 'up') await session.files.upload(from, to);
  else await session.files.download(from, to);
} finally {
  await session.close();
  await client.close();
}
