import { randomUUID } from 'node:crypto';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { TunnelStage } from '../../gen/runlet/v1/error_pb.ts';
import { TunnelEnd } from '../../gen/runlet/v1/tunnel_pb.ts';
import { ensure, ensureEqual, ensureFails, ensureInvalid } from '../assert.ts';
import type { Check } from '../check.ts';
import { ZERO } from '../context.ts';
import { allOf } from '../file-streams.ts';
import { Listening, pairOf } from '../listening.ts';
import { type OpenInit, Tunnel } from '../tunnels.ts';

const FAILED = 'UNAVAILABLE/TUNNEL_FAILED';
const DENIED = 'PERMISSION_DENIED/EGRESS_DENIED';

/** Bytes of one direction: many messages of what servers commonly send at a time. */
const BULK_BYTES = 1024 * 1024;

/** Pieces of it, of sizes that fit nothing. */
const PIECE_BYTES = 99_991;

/** Every byte there is, in no order that a piece of it repeats. */
const BULK = Buffer.from(Array.from({ length: BULK_BYTES }, (_, i) => (i * i + (i >> 8)) % 251));

/** What nobody may reach unless the operator says so, in the forms in which it can be written. */
const METADATA = [
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '169.254.0.1',
  '100.100.100.200',
  'fd00:ec2::254',
  'fe80::1',
];

async function sendAll(tunnel: Tunnel, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    tunnel.send(bytes.subarray(at, at + PIECE_BYTES));
  }
  tunnel.eof();
}

/** Connections. */
export const tunnelChecks: readonly Check[] = [
  {
    id: 'TUNNEL-01',
    title: 'A connection that stands says so first, with the address of the other side',
    clause: 'TunnelOpened.peer',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const near = await Tunnel.open(context, listening.target);
      ensureEqual(near.peer, `${listening.host}:${listening.port}`, 'the other side');
      const named = await Tunnel.open(context, { ...listening.target, host: 'localhost' });
      ensureEqual(named.peer, `127.0.0.1:${listening.port}`, 'the other side of a name');
    },
  },
  {
    id: 'TUNNEL-02',
    title: 'What is sent arrives as it is, in both directions at the same time',
    clause: 'ConnectRequest.data',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      const back = Buffer.from(BULK).reverse();
      void sendAll(near, BULK);
      void sendAll(far, back);
      const [there, here] = await Promise.all([far.toEof(), near.toEof()]);
      ensureEqual(there.equals(BULK), true, 'whether what was sent arrived as it is');
      ensureEqual(here.equals(back), true, 'whether what was sent back arrived as it is');
    },
  },
  {
    id: 'TUNNEL-03',
    title: 'After `eof` of the client the other side is heard to its own end',
    clause: 'ConnectRequest.eof',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      near.send('question');
      near.eof();
      ensureEqual((await far.toEof()).toString(), 'question', 'what came before the end');
      far.send('answer');
      far.eof();
      ensureEqual((await near.toEof()).toString(), 'answer', 'what came after it');
      ensureEqual((await near.ended()).kind, TunnelEnd.CLOSED, 'how it ended');
      ensureEqual((await far.ended()).kind, TunnelEnd.CLOSED, 'how it ended there');
    },
  },
  {
    id: 'TUNNEL-04',
    title: 'After `eof` of the other side what is sent to it still arrives',
    clause: 'ConnectResponse.eof',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      far.eof();
      ensureEqual((await near.toEof()).length, 0, 'bytes that came');
      near.send('late');
      ensureEqual(await far.readThrough('late'), 'late', 'what was sent afterwards');
      near.eof();
      ensureEqual((await near.ended()).kind, TunnelEnd.CLOSED, 'how it ended');
    },
  },
  {
    id: 'TUNNEL-05',
    title: 'The end of a connection tells how many bytes went each way',
    clause: 'TunnelEnded.sent_bytes',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      near.send('12345');
      near.eof();
      await far.toEof();
      far.send('123');
      far.eof();
      const { receivedBytes, sentBytes } = await near.ended();
      ensureEqual([sentBytes, receivedBytes], [5n, 3n], 'sent_bytes and received_bytes');
    },
  },
  {
    id: 'TUNNEL-06',
    title: 'A connection that the other side resets does not end as one that is closed',
    clause: 'TUNNEL_END_RESET',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      near.send('some');
      await far.readThrough('some');
      far.leave();
      ensureEqual((await near.ended()).kind, TunnelEnd.RESET, 'how it ended');
    },
  },
  {
    id: 'TUNNEL-07',
    title: 'The connection of a call that is cancelled is reset',
    clause: 'TunnelService',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      near.send('some');
      await far.readThrough('some');
      near.leave();
      ensureEqual((await far.ended()).kind, TunnelEnd.RESET, 'how it ended there');
    },
  },
  {
    id: 'TUNNEL-08',
    title: 'A stream that ends without `eof` resets the connection',
    clause: 'TunnelService.Connect',
    needs: 'tunnels',
    async run(context) {
      const { near, far } = await pairOf(context);
      near.send('some');
      await far.readThrough('some');
      // All that is missing then is the end of the one direction.
      far.eof();
      await near.toEof();
      near.endRequests();
      ensureEqual((await far.ended()).kind, TunnelEnd.RESET, 'how it ended there');
    },
  },
  {
    id: 'TUNNEL-09',
    title: 'A connection that is refused fails with the stage and the name of the error',
    clause: 'TunnelFailure.stage',
    needs: 'tunnels',
    async run(context) {
      const call = Tunnel.open(context, { host: '127.0.0.1', port: 1 });
      const { tunnelFailure } = await ensureFails(call, FAILED, 'a port where nobody listens');
      const { errnoName, stage, target } = tunnelFailure ?? {};
      const expected = [TunnelStage.CONNECT, 'ECONNREFUSED', '127.0.0.1:1'];
      ensureEqual([stage, errnoName, target], expected, 'stage, errno_name and target');
    },
  },
  {
    id: 'TUNNEL-10',
    title: 'A name that there is not fails at the stage of looking it up',
    clause: 'TUNNEL_STAGE_RESOLVE',
    needs: 'tunnels',
    async run(context) {
      const call = Tunnel.open(context, { host: 'nowhere.invalid', port: 80 });
      const { tunnelFailure } = await ensureFails(call, FAILED, 'a name that there is not');
      const { stage, target } = tunnelFailure ?? {};
      ensureEqual([stage, target], [TunnelStage.RESOLVE, 'nowhere.invalid:80'], 'stage and target');
    },
  },
  {
    id: 'TUNNEL-11',
    title: 'An `open` that makes no sense is refused, and names the field',
    clause: 'TunnelOpen',
    needs: 'tunnels',
    async run(context) {
      const local = { host: '127.0.0.1', port: 1 };
      const cases: readonly (readonly [string, OpenInit, RegExp])[] = [
        ['no target', {}, /host|unix_path|connection_id|open/],
        ['no port', { host: '127.0.0.1' }, /port$/],
        ['a port beyond all', { ...local, port: 65_536 }, /port$/],
        ['no UUID', { connectionId: 'nothing' }, /connection_id$/],
        ['two targets', { ...local, connectionId: randomUUID() }, /host|connection_id|open/],
        ['no time', { ...local, connectTimeout: ZERO }, /connect_timeout$/],
        ['a negative time', { ...local, connectTimeout: durationFromMs(-1) }, /connect_timeout$/],
        ['no session', { ...local, sessionId: 'nothing' }, /session_id$/],
      ];
      for (const [what, open, field] of cases) {
        await ensureInvalid(Tunnel.open(context, open), field, what);
      }
    },
  },
  {
    id: 'TUNNEL-12',
    title: 'Messages of a connection that are out of order are refused',
    clause: 'ConnectRequest.open',
    needs: 'tunnels',
    async run(context) {
      const data = { request: { case: 'data' as const, value: new Uint8Array(1) } };
      const first = allOf(context.tunnels.connect(messages(data)));
      await ensureFails(first, 'INVALID_ARGUMENT/INVALID_REQUEST', 'bytes before `open`');
      const { near } = await pairOf(context);
      const open = { sessionId: context.sessionId, host: '127.0.0.1', port: 1 };
      near.give({ request: { case: 'open', value: open } });
      await ensureFails(near.ended(), 'INVALID_ARGUMENT/INVALID_REQUEST', 'a second `open`');
    },
  },
  {
    id: 'TUNNEL-13',
    title: 'Addresses of the link and of metadata services are denied unless the operator says so',
    clause: 'ERROR_REASON_EGRESS_DENIED',
    needs: 'tunnels',
    async run(context) {
      for (const host of METADATA) {
        const call = Tunnel.open(context, { host, port: 80 });
        const { tunnelFailure } = await ensureFails(call, DENIED, host);
        ensureEqual(tunnelFailure?.stage, TunnelStage.DENIED, `the stage for ${host}`);
        ensure(tunnelFailure?.target.endsWith(':80'), `the target for ${host} is missing`);
      }
    },
  },
  {
    id: 'TUNNEL-14',
    title: 'A socket of the file system that there is not fails with the name of the error',
    clause: 'TunnelOpen.unix_path',
    needs: ['tunnels', 'files', 'unix_sockets'],
    async run(context) {
      const folder = await context.makeFolder();
      const call = Tunnel.open(context, { unixPath: folder.at('socket') });
      const { tunnelFailure } = await ensureFails(call, FAILED, 'no socket');
      ensureEqual(tunnelFailure?.errnoName, 'ENOENT', 'errno_name');
      const relative = Tunnel.open(context, { unixPath: 'socket' });
      await ensureInvalid(relative, /unix_path$/, 'a relative path');
    },
  },
  {
    id: 'TUNNEL-15',
    title: 'The network of a process is used, of which there has to be one that runs',
    clause: 'TunnelOpen.process_id',
    needs: 'tunnels',
    async run(context) {
      const listening = await Listening.start(context);
      const running = await context.startShell('exec sleep 1000');
      const { processId } = running;
      const near = Tunnel.open(context, { ...listening.target, processId });
      const [, far] = await Promise.all([near, listening.accept()]);
      far.send('x');
      ensureEqual(await (await near).readThrough('x'), 'x', 'what comes through');
      const none = Tunnel.open(context, { ...listening.target, processId: 'nothing' });
      await ensureFails(none, 'NOT_FOUND/PROCESS_NOT_FOUND', 'a process that there is not');
      const over = await context.startShell('exit 0');
      await context.eventsOf(over);
      const ended = Tunnel.open(context, { ...listening.target, processId: over.processId });
      await ensureFails(ended, 'FAILED_PRECONDITION/PROCESS_EXITED', 'one that is over');
    },
  },
];

async function* messages<T>(...all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}
