/** There is no server at an address. Says which, and how to start one. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  /** `isDefault`: whether it is where `runlet serve` listens by itself. */
  constructor(address: string, isDefault: boolean, cause: Error) {
    const listen = address.startsWith('unix:') ? address : `${address} --auth none`;
    const serve = isDefault ? 'runlet serve' : `runlet serve --listen ${listen}`;
    super(`no server answers at ${address}; start one with \`${serve}\` (UNAVAILABLE)`, { cause });
  }
}
