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
let toasts = $state.raw<readonly Toast[]>([]);

/** Shows and says something that needs no answer. */
export function toast(text: string, danger = false): void {
	const id = ++count;
	toasts = [...toasts, { id, text, danger }];
	announce(text);
	setTimeout(() => dismiss(id), shownFor);
}

export function dismiss(id: number): void {
	toasts = toasts.filter((other) => other.id !== id);
}

export function shown(): readonly Toast[] {
	return toasts;
}
