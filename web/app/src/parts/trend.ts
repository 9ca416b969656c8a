import type { Point, Trend } from '../messages';

/** Splits readings where nothing was measured for long: a gap stays a gap. */
export function runs(points: readonly Point[]): Point[][] {
	const times = points.map((point) => Date.parse(point.time));
	const steps = times.slice(1).map((time, i) => time - (times[i] ?? time));
	const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
	const longest = Math.max(5 * usual, 2 * 86_400_000);
	const all: Point[][] = [];
	for (const [i, point] of points.entries()) {
		if (i === 0 || (steps[i - 1] ?? 0) > longest) all.push([]);
		all.at(-1)?.push(point);
	}
	return all;
}

/** The lowest and the highest value that a chart has to show, its usual range among them, with some air. */
export function extent({ points, usual }: Pick<Trend, 'points' | 'usual'>): [number, number] {
	const values = points.flatMap((point) => [point.value, point.second ?? point.value]);
	const low = Math.min(...values, usual?.low ?? Infinity);
	const high = Math.max(...values, usual?.high ?? -Infinity);
	const air = (high - low || Math.abs(high) || 1) * 0.12;
	return [low - air, high + air];
}

/** Some moments at even distances, at the beginning of a day where the readings go over days. */
export function ticks(from: number, to: number, count: number): number[] {
	const all = Array.from({ length: count }, (_, i) => {
		const part = 0.1 + (i * 0.78) / (count - 1);
		const at = new Date(from + part * (to - from));
		if (to - from > 8 * 86_400_000) at.setHours(0, 0, 0, 0);
		return at.getTime();
	});
	return [...new Set(all)];
}

/** Which reading is nearest to a moment. */
export function nearest(points: readonly Point[], at: number): number {
	let best = 0;
	for (const [i, point] of points.entries()) {
		if (Math.abs(Date.parse(point.time) - at) <= Math.abs(Date.parse(points[best]?.time ?? '') - at)) best = i;
	}
	return best;
}
