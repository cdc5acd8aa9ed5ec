import type { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { cutWhenStuck } from '../../bridge/stuck-tls.ts';
import { type TlsMaterial, trustsLess } from './tls-material.ts';
import type { TlsSource } from './tls-source.ts';

/** What a client has shown of itself in its handshake. */
export interface ShownCertificate {
  /** Undefined: it has shown none, or one that is not taken. */
  readonly certificate: X509Certificate | undefined;
  /** Why one that it has shown is not taken, in OpenSSL's words. */
  readonly certificateProblem: string | undefined;
}

/** Ends the TLS of a listener. */
export interface TlsEnding {
  /**
   * Takes a connection that was accepted. It is handed over once its handshake is done, with the
   * socket that has what is decrypted of it; or cut.
   */
  take(socket: Socket, onSecure: OnSecure): void;
  /** Cuts those whose handshakes are not done. Those that were handed over go on. */
  close(): void;
}

/** Told of a connection whose handshake is done. */
export type OnSecure = (socket: TLSSocket, shown: ShownCertificate) => void;

/** How TLS is ended. */
export interface TlsEndingOptions {
  readonly source: TlsSource;
  /** Whether clients are asked for a certificate. One that gives none is let through all the same. */
  readonly asksClients: boolean;
}

/** The one protocol above TLS that is spoken: RFC 7301, and RFC 9113, section 3.2. */
const HTTP2 = 'h2';

/** What connections that are not handed over have to say is nobody's. */
const ignore = (): void => {};

/**
 * Ends TLS with what the source has at the moment. A handshake is made to its end with what it
 * was begun with, so that a connection is never refused for a certificate that is replaced meanwhile.
 *
 * A connection whose client is known by its certificate is cut when an authority of clients goes,
 * or what they have revoked changes: its client comes back, and is looked at anew. Its calls
 * would go on otherwise for as long as somebody keeps it open, though the client may be a revoked
 * one. All others, and all of them when the server's own certificate changes, go on.
 */
export function endTls({ asksClients, source }: TlsEndingOptions): TlsEnding {
  /** Those whose handshakes are not done. Each is cut in time, so they need no other bound here. */
  const pending = new Map<Socket, OnSecure>();
  /** Those whose clients are known by their certificates. */
  const known = new Set<TLSSocket>();
  let closed = false;

  const handshakes = (material: TlsMaterial): Server =>
    createServer({
      ...material.options,
      ALPNProtocols: [HTTP2],
      requestCert: asksClients,
      // Whoever has none can ask how the server is, and may have credentials of another kind.
      rejectUnauthorized: false,
      handshakeTimeout: source.handshakeMs,
    })
      .on('secureConnection', (socket) => secured(socket, material))
      .on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
        // Whoever connects brings these about at will.
        source.logger.debug({ code: error.code ?? error.message }, 'TLS handshake failed');
        socket.destroy();
      });

  const secured = (socket: TLSSocket, material: TlsMaterial): void => {
    const shown = shownBy(socket, asksClients);
    const isKnown = shown.certificate !== undefined;
    // Without ALPN nothing says that HTTP/2 will be spoken; another protocol has failed before.
    const isHttp2 = socket.alpnProtocol === HTTP2;
    const raw = rawSocketOf(socket);
    const onSecure = raw && pending.get(raw);
    if (
      closed ||
      raw === undefined ||
      onSecure === undefined ||
      !isHttp2 ||
      (isKnown && trustsLess(source.current, material))
    ) {
      source.logger.debug({ code: isHttp2 ? 'REPLACED' : 'NO_ALPN' }, 'TLS connection refused');
      socket.on('error', ignore).destroy();
      return;
    }
    settled(raw);
    if (isKnown) {
      known.add(socket);
      socket.once('close', () => known.delete(socket));
    }
    cutWhenStuck(socket, raw);
    onSecure(socket, shown);
  };

  const timers = new Map<Socket, NodeJS.Timeout>();
  const settled = (raw: Socket): void => {
    pending.delete(raw);
    clearTimeout(timers.get(raw));
    timers.delete(raw);
  };

  let server = handshakes(source.current);
  const stopTelling = source.onReplaced((now, before) => {
    server = handshakes(now);
    if (!trustsLess(now, before)) return;
    for (const socket of [...known]) socket.destroy();
  });

  return {
    take(raw, onSecure) {
      raw.on('error', ignore);
      pending.set(raw, onSecure);
      // From the moment that it was accepted, whatever it sends.
      timers.set(
        raw,
        setTimeout(() => raw.destroy(), source.handshakeMs),
      );
      raw.once('close', () => settled(raw));
      server.emit('connection', raw);
    },
    close() {
      closed = true;
      stopTelling();
      for (const raw of [...pending.keys()]) raw.destroy();
    },
  };
}

function shownBy(socket: TLSSocket, asksClients: boolean): ShownCertificate {
  const found = asksClients ? socket.getPeerX509Certificate() : undefined;
  if (found === undefined) return { certificate: undefined, certificateProblem: undefined };
  if (socket.authorized) return { certificate: found, certificateProblem: undefined };
  return { certificate: undefined, certificateProblem: String(socket.authorizationError) };
}

/** There is no public way from it to the socket that it decrypts what comes from. */
function rawSocketOf(socket: TLSSocket): Socket | undefined {
  const raw: unknown = Reflect.get(socket, '_parent');
  return raw instanceof Socket ? raw : undefined;
}
