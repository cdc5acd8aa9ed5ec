// A client as a process of its own, which a test can freeze: attaches to a session
// and writes a line for every event. Arguments: address, session id.
import process from 'node:process';
import { parseAddress } from '../../dist/address.js';
import { createClient } from '../../dist/bridge/create-client.js';
import { openConnection } from '../../dist/client/connection.js';
import { SessionService } from '../../dist/gen/runlet/v1/session_pb.js';

const [address = '', sessionId = ''] = process.argv.slice(2);
const sessions = createClient(SessionService, openConnection(parseAddress(address)));
for await (const { event } of sessions.attachSession({ sessionId })) {
  process.stdout.write(`${event?.event.case}\n`);
}
