export type Language = 'en' | 'nl' | 'de' | 'ar';

/** The languages there are, each by its own name. */
export const languages: readonly { code: Language; name: string; direction: 'ltr' | 'rtl' }[] = [
	{ code: 'en', name: 'English', direction: 'ltr' },
	{ code: 'nl', name: 'Nederlands', direction: 'ltr' },
	{ code: 'de', name: 'Deutsch', direction: 'ltr' },
	{ code: 'ar', name: 'العربية', direction: 'rtl' },
];

export function isLanguage(code: string): code is Language {
	return languages.some((language) => language.code === code);
}
