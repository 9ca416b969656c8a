import type { Trend } from '../../messages';

/** How far back trends are shown. */
export type Span = 'month' | 'quarter' | 'year' | 'all';

const days: Record<Exclude<Span, 'all'>, number> = { month: 31, quarter: 92, year: 366 };

/** The trends that have readings in a span of time, with these alone. */
export function within(trends: readonly Trend[], span: Span, now = Date.now()): Trend[] {
	if (span === 'all') return [...trends];
	const since = now - days[span] * 86_400_000;
	return trends.map((trend) => ({ ...trend, points: trend.points.filter((point) => Date.parse(point.time) >= since) })).filter((trend) => trend.points.length > 0);
}
