const opens = '\u0002';
const closes = '\u0003';

/** Marks a part of a sentence as what matters in it. Sentence.svelte shows it so. */
export function strong(text: string): string {
	return opens + text + closes;
}

/** Splits a sentence into what matters in it and what stands around. */
export function pieces(sentence: string): { text: string; strong: boolean }[] {
	return sentence
		.split(new RegExp(`(${opens}[^${closes}]*${closes})`))
		.filter(Boolean)
		.map((piece) => ({ text: piece.replaceAll(opens, '').replaceAll(closes, ''), strong: piece.startsWith(opens) }));
}
