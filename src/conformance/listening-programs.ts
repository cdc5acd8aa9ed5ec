import type { CheckContext, Target } from './context.ts';

/** A process that listens, and at which port of the loopback. */
interface ListeningProcess extends Target {
  readonly port: number;
}

/** A program in each of the languages of which a server has one, where it can be checked. */
interface Program {
  readonly python: string;
  readonly perl: string;
  readonly node: string;
}

/** Listens, tells the port, and stays. */
const LISTENS: Program = {
  python: `
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print("port", s.getsockname()[1], flush=True)
time.sleep(1000)`,
  perl: `
    my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
    print "port ", $s->sockport, "\\n"; sleep 1000`,
  node: `
    const s = require("net").createServer().listen(0, "127.0.0.1", () =>
      console.log("port " + s.address().port))`,
};

/** The same, with the least room for connections, none of which it accepts. */
const LISTENS_TO_NOBODY: Program = {
  python: `
import socket, time
s = socket.create_server(("127.0.0.1", 0), backlog=0)
print("port", s.getsockname()[1], flush=True)
time.sleep(1000)`,
  perl: `
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
    print "port ", $s->sockport, "\\n"; sleep 1000`,
  node: `
    const s = require("net").createServer();
    s.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
      require("fs").writeSync(1, "port " + s.address().port + "\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    })`,
};

/** Starts one that listens, as the child of another. */
export function startListener(context: CheckContext, sessionId: string): Promise<ListeningProcess> {
  return startProgram(context, LISTENS, sessionId);
}

/** Starts one at which a few connections stand that nobody accepts, and more do not come about. */
export function startDeafListener(context: CheckContext): Promise<ListeningProcess> {
  return startProgram(context, LISTENS_TO_NOBODY, context.sessionId);
}

async function startProgram(
  context: CheckContext,
  { node, perl, python }: Program,
  sessionId: string,
): Promise<ListeningProcess> {
  const script = `
    if command -v python3 > /dev/null; then exec python3 -c '${python}'
    elif command -v perl > /dev/null; then exec perl -MIO::Socket::INET -e '$| = 1;${perl}'
    else exec node -e '${node}'
    fi`;
  const target = await context.startShell(`(${script}) & wait`, {}, { sessionId });
  const events = await context.watch(target).untilOutput('\n');
  const text = events.map(({ event }) => (event.case === 'output' ? event.value.data : []));
  const told = Buffer.concat(text.map((data) => Buffer.from(data))).toString();
  return { ...target, port: Number(told.replace('port ', '')) };
}
