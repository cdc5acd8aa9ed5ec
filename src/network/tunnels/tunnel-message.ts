/** What comes over a tunnel, in order. */
export type TunnelMessage =
  | { readonly kind: 'opened'; readonly peer: string }
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'eof' }
  | {
      readonly kind: 'end';
      readonly how: 'closed' | 'reset';
      readonly sentBytes: number;
      readonly receivedBytes: number;
    };
