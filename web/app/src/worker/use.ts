import type { Transport } from '../data/transport';

/** How often the worker is told, at most, that somebody is there: it locks when it was not for a quarter of an hour. */
const pace = 30_000;

/** Tells the worker that somebody is there, whenever they do something in this page. */
export function tellOfUse(transport: Transport): void {
	let last = 0;
	const used = () => {
		if (Date.now() - last < pace) return;
		last = Date.now();
		void transport.call('vault.used', {}).catch(() => (last = 0));
	};
	for (const event of ['pointerdown', 'keydown', 'scroll', 'touchstart']) addEventListener(event, used, { passive: true, capture: true });
}
