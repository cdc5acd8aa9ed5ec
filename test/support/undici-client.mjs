/**
 * A program that uses the network of a session: prints after each step whether undici was loaded
 * into it, as JSON.
 *
 *     node undici-client.mjs ADDRESS HOST PORT
 */
import { createRequire } from 'node:module';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { connect } from '../../dist/client/index.js';

const { cache } = createRequire(import.meta.url);
const [, , address, host, port] = process.argv;
const isLoaded = () => Object.keys(cache).some((path) => path.includes('/node_modules/undici/'));
const steps = {};

const client = connect(address);
const session = await client.session();
steps.begun = isLoaded();
const response = await session.fetch(`http://${host}:${port}/`);
await response.text();
const socket = await session.connect({ host, port: Number(port) });
socket.end(`GET / HTTP/1.0\r\n\r\n`);
await text(socket);
(await session.listen()).close();
session.httpAgent().destroy();
session.httpsAgent().destroy();
session.connector({ allowH2: true });
steps.used = isLoaded();
const dispatcher = await session.dispatcher();
steps.asked = isLoaded();
await dispatcher.close();
await session.close();
await client.close();
process.stdout.write(`${JSON.stringify(steps)}\n`);
