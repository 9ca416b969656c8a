import type { Grant } from '../../messages';

const soon = 86_400_000;

/** When the first of grants ends by itself, and a moment, so that it has; undefined if none does within a day. */
export function nextEnd(grants: readonly Grant[], now = Date.now()): number | undefined {
	const ends = grants.map(({ until }) => Date.parse(until ?? '') + 500).filter((end) => end > now && end < now + soon);
	return ends.length ? Math.min(...ends) : undefined;
}
