import { about } from '../data/about';
import { ConsoleTransport } from '../data/console';
import type { Transport } from '../data/transport';
import { WorkerTransport } from './transport';
import { tellOfUse } from './use';

/** Begins what holds the record: an authority's own program where that serves the page, and else the worker. */
export async function begin(): Promise<Transport> {
	const console = await about().then(
		(copy) => copy.console,
		() => false, // the worker says what is wrong
	);
	if (console) return new ConsoleTransport();
	const transport = new WorkerTransport();
	tellOfUse(transport);
	return transport;
}
