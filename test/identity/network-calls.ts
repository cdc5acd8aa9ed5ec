/** What the calls of a test about the network are about. */
export interface NetworkTarget {
  readonly sessionId: string;
  /** Where a server on the loopback answers every request with 200, and tells who has connected. */
  readonly port: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a request of each method names, or each of several, as a caller that is let in would send it. */
export const NETWORK_REQUESTS: Readonly<
  Record<string, (target: NetworkTarget) => Fields | readonly Fields[]>
> = {
  'runlet.v1.HttpService.Request': ({ port, sessionId }) => [
    {
      request: {
        case: 'head',
        value: { sessionId, method: 'GET', url: `http://127.0.0.1:${port}/` },
      },
    },
    { request: { case: 'end', value: {} } },
  ],
  'runlet.v1.TunnelService.Connect': ({ port, sessionId }) => [
    { request: { case: 'open', value: { sessionId, host: '127.0.0.1', port } } },
    { request: { case: 'eof', value: {} } },
  ],
  'runlet.v1.TunnelService.Listen': ({ sessionId }) => ({ sessionId }),
  'runlet.v1.TunnelService.ListPorts': ({ sessionId }) => ({ sessionId }),
};

/** Methods of it that the server of their target notices. */
export const REACH_SERVERS: readonly string[] = ['Request', 'Connect'];
