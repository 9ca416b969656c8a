/** What the live region says. Each has an id, so that the same words said twice are read twice. */
let count = 0;
let said = $state.raw<{ id: number; text: string }>({ id: 0, text: '' });

/** Has a screen reader say something, and shows nothing. */
export function announce(text: string): void {
	said = { id: ++count, text };
}

export function announced(): { id: number; text: string } {
	return said;
}

/** A short notice at the edge of the screen. */
export interface Toast {
	id: number;
	text: string;
	danger: boolean;
}

const shownFor = 6000;
let notice = $state.raw<Toast>();

/** Shows and says something that needs no answer. It takes the place of what was shown before. */
export function toast(text: string, danger = false): void {
	const id = ++count;
	notice = { id, text, danger };
	announce(text);
	setTimeout(() => notice?.id === id && dismiss(), shownFor);
}

export function dismiss(): void {
	notice = undefined;
}

export function shown(): Toast | undefined {
	return notice;
}
