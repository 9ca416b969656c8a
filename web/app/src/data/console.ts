import type { Calls, Events, VaultState } from '../messages';
import { Refused, type CallName, type EventName, type Transport, type Trouble } from './transport';

const kept = 'console';

/**
 * Takes the token of an authority's own program out of the address that it has shown, or, after a reload, from where this tab keeps
 * it. The address goes on without it, as it names the screens.
 */
function takeToken(): string {
	const shown = /^#console=(.+)$/.exec(location.hash)?.[1];
	if (shown) {
		sessionStorage.setItem(kept, shown);
		history.replaceState(null, '', '#/');
		dispatchEvent(new HashChangeEvent('hashchange'));
	}
	return shown ?? sessionStorage.getItem(kept) ?? '';
}

/** Speaks with an authority's own program, which has the keys and keeps them: calls by POST, events as a stream. */
export class ConsoleTransport implements Transport {
	readonly #token = takeToken();
	readonly #listeners = new Map<EventName, Set<(data: never) => void>>();

	constructor() {
		void this.#follow();
	}

	async call<N extends CallName>(name: N, args: Calls[N]['args']): Promise<Calls[N]['result']> {
		if (name === 'vault.state') return { open: kept, people: [] } satisfies VaultState as Calls[N]['result'];
		const response = await fetch('/console/call', {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', 'Phr-Console': this.#token },
			body: JSON.stringify({ name, args }),
		});
		if (!response.ok) throw new Refused({ code: 'other', message: (await response.text()).trim() });
		const answer = (await response.json()) as { result: Calls[N]['result']; error?: Trouble };
		if (answer.error) throw new Refused(answer.error);
		return answer.result;
	}

	on<N extends EventName>(name: N, told: (data: Events[N]) => void): () => void {
		const all = this.#listeners.get(name) ?? new Set();
		this.#listeners.set(name, all.add(told));
		return () => all.delete(told);
	}

	#tell<N extends EventName>(name: N, data: Events[N]): void {
		for (const told of this.#listeners.get(name) ?? []) (told as (data: Events[N]) => void)(data);
	}

	/** Follows the events for as long as the page is open: again and again, as the program may be started anew. */
	async #follow(): Promise<void> {
		for (let again = false; ; again = true) {
			const response = await fetch('/console/events', { headers: { 'Phr-Console': this.#token } }).catch(() => undefined);
			if (response?.status === 403) return; // the program has another token by now: what is asked for next says so
			if (response?.body) {
				if (again) {
					this.#tell('connection', { state: 'online', queued: 0 });
					this.#tell('changed', { what: 'authority' });
				}
				await this.#read(response.body).catch(() => undefined);
			}
			this.#tell('connection', { state: 'offline', queued: 0 });
			await new Promise((resolve) => setTimeout(resolve, 2000));
		}
	}

	async #read(body: ReadableStream<Uint8Array>): Promise<void> {
		let text = '';
		const decoder = new TextDecoder();
		const reader = body.getReader();
		for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
			const events = (text + decoder.decode(chunk.value, { stream: true })).split('\n\n');
			text = events.pop() ?? '';
			for (const event of events) {
				const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(event) ?? [];
				if (name && data) this.#tell(name as EventName, JSON.parse(data) as Events[EventName]);
			}
		}
	}
}
