/** How light the interface is: as the device has it, or as the person chose. */
export type Theme = 'auto' | 'light' | 'dark';

const kept = 'theme';
let theme = $state<Theme>(read());

function read(): Theme {
	const value = localStorage.getItem(kept);
	return value === 'light' || value === 'dark' ? value : 'auto';
}

export function chosenTheme(): Theme {
	return theme;
}

export function chooseTheme(next: Theme): void {
	theme = next;
	localStorage.setItem(kept, next);
	applyTheme();
}

export function applyTheme(): void {
	if (theme === 'auto') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = theme;
}
