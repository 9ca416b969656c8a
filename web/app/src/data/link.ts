import type { Calls, Events } from '../messages';
import type { CallName, EventName, Transport } from './transport';

let transport: Transport | undefined;
let arrive: (transport: Transport) => void;
const arrived = new Promise<Transport>((resolve) => (arrive = resolve));

/** Says what the interface speaks with, once. Calls that were made before wait for it. */
export function connect(made: Transport): void {
	transport = made;
	arrive(made);
}

/** Asks what holds the record. It throws Refused. */
export async function call<N extends CallName>(name: N, args: Calls[N]['args']): Promise<Calls[N]['result']> {
	return (transport ?? (await arrived)).call(name, args);
}

/** Tells of every event of a name, until what it returns is called. */
export function on<N extends EventName>(name: N, told: (data: Events[N]) => void): () => void {
	if (transport) return transport.on(name, told);
	let stopped = false;
	let stop = () => {};
	void arrived.then((made) => {
		if (!stopped) stop = made.on(name, told);
	});
	return () => {
		stopped = true;
		stop();
	};
}
