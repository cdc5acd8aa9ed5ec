import { networkInterfaces } from 'node:os';
import { type Act, always, never, type Policy, unconfinedRoot } from './act.ts';
import { type Listeners, SOCKET_ZONES } from './listeners.ts';
import { nonce } from './stage.ts';

const byNetwork = ({ network }: Policy): boolean => network === 'host';

/** Sockets that reach past every namespace, or into parts of the kernel that few programs need. */
const OTHER_SOCKETS: Readonly<Record<string, readonly number[]>> = {
  'of virtual machines (vsock)': [40, 1, 0],
  'of packets': [17, 3, 3],
  'of raw packets (IPv4)': [2, 3, 1],
  'of raw packets (IPv6)': [10, 3, 58],
  'of the audit': [16, 3, 9],
  'of events of devices': [16, 3, 15],
  'of the firewall': [16, 3, 12],
  'of keys (IPsec)': [15, 3, 2],
  'of XDP': [44, 3, 0],
  'of RDS': [21, 5, 0],
  'of TIPC': [30, 1, 0],
  'of buses of cars': [29, 3, 1],
  'of Bluetooth': [31, 3, 1],
  'of NFC': [39, 3, 1],
};

/** The server that all runs on; what listens there may do everything that it may. */
interface Reached {
  /** The path of its socket. */
  readonly path: string;
}

/** Acts that reach a listener outside, or would change the network of the machine. */
export function networkActs(listeners: Listeners, server: Reached): readonly Act[] {
  const text = nonce();
  const says = (name: string, allowed: Act['allowed'], ...does: readonly string[]): Act => {
    const said = `${text}-${name.replaceAll(' ', '-')}.`;
    return {
      name,
      does: [...does, said],
      allowed,
      done: ({ answer }) => listeners.heard(said, answer === 0 && does[0] !== 'udp'),
      // Whoever sends a datagram is not told that nobody gets it.
      answersAnyway: does[0] === 'udp',
    };
  };
  const spare = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 200)}.9`;
  const name = `n${nonce()}`;
  return [
    ...listeners.tcp.map(({ host, port }) =>
      says(`connect to ${host}`, byNetwork, 'tcp', host, String(port)),
    ),
    says('send a datagram', byNetwork, 'udp', '127.0.0.1', String(listeners.udpPort)),
    {
      name: 'resolve a name',
      does: ['resolve', String(listeners.dnsPort), name],
      allowed: byNetwork,
      done: async ({ told }) =>
        told.includes(listeners.answer) || (await listeners.heard(name, false)),
    },
    says('connect to an abstract socket', byNetwork, 'abstract', listeners.abstract),
    ...SOCKET_ZONES.map((zone) =>
      says(
        `connect to a socket that is ${zone}`,
        // Whoever sees a socket may connect to it.
        ({ access }) => access[zone] !== 'none',
        'unix',
        listeners.paths[zone],
      ),
    ),
    {
      name: "connect to the server's own socket",
      does: ['unix', server.path, 'no request'],
      allowed: never,
      onlyInside: true,
    },
    ...Object.entries(OTHER_SOCKETS).map(
      ([kind, numbers]): Act => ({
        name: `make a socket ${kind}`,
        does: ['socket', ...numbers.map(String)],
        allowed: never,
        onlyInside: true,
      }),
    ),
    { name: 'use the cryptography of the kernel', does: ['alg'], allowed: never, onlyInside: true },
    {
      name: 'give an interface an address',
      does: ['address', spare],
      allowed: unconfinedRoot,
      done: () => JSON.stringify(networkInterfaces()).includes(`"${spare}"`),
      onlyInside: true,
    },
    { name: 'connect to itself', does: ['loopback'], allowed: always },
    {
      name: 'see the interfaces of the machine',
      does: ['interfaces'],
      allowed: byNetwork,
      done: ({ told }) => told.replaceAll('<lo>', '') !== '',
      answersAnyway: true,
    },
  ];
}
