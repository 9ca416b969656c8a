import { about } from '../data/about';
import { HttpTransport } from '../data/http';
import type { Transport } from '../data/transport';
import { WorkerTransport } from './transport';
import { tellOfUse } from './use';

/** Begins what holds the record: an authority's own program where that serves the page, and else the worker. */
export async function begin(): Promise<Transport> {
	const calls = await about().then(
		(copy) => copy.calls,
		() => undefined, // the worker says what is wrong
	);
	if (calls) return new HttpTransport(calls);
	const transport = new WorkerTransport();
	tellOfUse(transport);
	return transport;
}
