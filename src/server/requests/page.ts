import { PAGE_BYTES } from '../../limits.ts';

/**
 * Takes a page from a listing: `maximum` items, fewer where their sizes, as
 * `sizeOf` tells them in bytes, would make it too large, but at least one.
 */
export function takePage<T>(
  listing: Iterable<T>,
  maximum: number,
  sizeOf: (item: T) => number,
): { readonly items: readonly T[]; readonly more: boolean } {
  const items: T[] = [];
  let bytes = 0;
  for (const item of listing) {
    bytes += sizeOf(item);
    if (items.length === maximum || (items.length > 0 && bytes > PAGE_BYTES)) {
      return { items, more: true };
    }
    items.push(item);
  }
  return { items, more: false };
}
