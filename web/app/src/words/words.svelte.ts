import { en } from './en/en';
import { isLanguage, languages, type Language } from './languages';

/** Everything the interface says. English is the measure: a language that lacks a text does not compile. */
export type Words = typeof en;

const load: Record<Language, () => Promise<Words>> = {
	en: async () => en,
	nl: async () => (await import('./nl/nl')).nl,
	de: async () => (await import('./de/de')).de,
	ar: async () => (await import('./ar/ar')).ar,
};

const kept = 'language';
let words = $state.raw<Words>(en);
let language = $state<Language>('en');

/** The words of the language that is spoken now. */
export function t(): Words {
	return words;
}

/** The language that is spoken now. */
export function spoken(): Language {
	return language;
}

/** Has the interface speak another language, and remember that. */
export async function speak(next: Language): Promise<void> {
	words = await load[next]();
	language = next;
	document.documentElement.lang = next;
	document.documentElement.dir = languages.find(({ code }) => code === next)?.direction ?? 'ltr';
	localStorage.setItem(kept, next);
}

/** Has the interface speak what it spoke last, or else what the browser prefers. */
export async function speakAsBefore(): Promise<void> {
	const wanted = [localStorage.getItem(kept) ?? '', ...navigator.languages].map((tag) => tag.slice(0, 2));
	const known = wanted.find(isLanguage);
	if (known) await speak(known);
}
