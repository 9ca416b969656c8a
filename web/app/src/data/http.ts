import type { Calls, Events } from '../messages';
import { Refused, type CallName, type EventName, type Transport, type Trouble } from './transport';

/** Speaks with a program of one's own that answers calls by POST and tells events as a stream. */
export class HttpTransport implements Transport {
	readonly #events: EventSource;

	constructor(readonly base: string) {
		this.#events = new EventSource(`${base}/events`);
	}

	async call<N extends CallName>(name: N, args: Calls[N]['args']): Promise<Calls[N]['result']> {
		const response = await fetch(`${this.base}/${name}`, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify(args),
		});
		const answer = (await response.json()) as { result: Calls[N]['result']; error?: Trouble };
		if (answer.error) throw new Refused(answer.error);
		return answer.result;
	}

	on<N extends EventName>(name: N, told: (data: Events[N]) => void): () => void {
		const listener = (event: MessageEvent<string>) => told(JSON.parse(event.data) as Events[N]);
		this.#events.addEventListener(name, listener);
		return () => this.#events.removeEventListener(name, listener);
	}
}
