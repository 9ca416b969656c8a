import type { Language } from './languages';

/** The forms that a language has for "n of something"; # stands for the number. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** Returns what puts a count into words in a language. */
export function counting(language: Language): (n: number, forms: Forms) => string {
	const rules = new Intl.PluralRules(language);
	const numbers = new Intl.NumberFormat(locale(language));
	return (n, forms) => (forms[rules.select(n)] ?? forms.other).replace('#', numbers.format(n));
}

/**
 * The locale that dates and numbers are written in. Readings stand in records with Latin digits, so they do everywhere:
 * one screen must not write the same number in two ways.
 */
export function locale(language: Language): string {
	return language === 'en' ? 'en-GB' : `${language}-u-nu-latn`;
}
