import type { Point } from '../messages';
import { number } from './format';
import { t } from './words.svelte';

/** What is measured, in the language that is spoken; as its record calls it where there is no word for it. */
export function measureName(code: string, title: string): string {
	const names: Partial<Record<string, string>> = t().measures;
	return names[code] ?? title;
}

const heartRates = ['8867-4', '40443-4'];

/** The unit of what is measured, as people say it. */
export function unitName(code: string, unit: string): string {
	return heartRates.includes(code) && unit === '/min' ? t().chart.perMinute : unit;
}

/** A reading as it was written; a bare number as numbers are written in the language that is spoken. */
export function readingText({ text, value }: Pick<Point, 'text' | 'value'>): string {
	return !text || text === String(value) ? number(value) : text;
}
