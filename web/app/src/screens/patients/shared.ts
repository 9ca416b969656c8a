import type { Grant } from '../../messages';

/** When the last of grants ends; undefined if one of them has no end. */
export function lastEnd(grants: readonly Grant[]): string | undefined {
	if (grants.some(({ until }) => !until)) return undefined;
	return grants.map(({ until }) => until ?? '').sort().at(-1);
}
