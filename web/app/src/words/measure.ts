import { t } from './words.svelte';

/** What is measured, in the language that is spoken; as its record calls it where there is no word for it. */
export function measureName(code: string, title: string): string {
	const names: Partial<Record<string, string>> = t().measures;
	return names[code] ?? title;
}
