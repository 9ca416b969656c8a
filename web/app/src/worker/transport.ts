import type { Calls, Events } from '../messages';
import { Refused, type CallName, type EventName, type Transport, type Trouble } from '../data/transport';
import type { Said } from './host';
import { startWorker } from './trusted';
import script from './worker?worker&url';

interface Waiting {
	resolve(result: unknown): void;
	reject(why: Error): void;
}

/** Speaks with the program in this page's worker. When somebody is locked, that worker ends with what it knew, and another begins. */
export class WorkerTransport implements Transport {
	readonly #listeners = new Map<EventName, Set<(data: never) => void>>();
	#current = this.#begin();
	#last = 0;
	#broken: Trouble | undefined;

	call<N extends CallName>(name: N, args: Calls[N]['args']): Promise<Calls[N]['result']> {
		if (this.#broken) return Promise.reject(new Refused(this.#broken));
		const id = ++this.#last;
		const { worker, waiting } = this.#current;
		return new Promise<unknown>((resolve, reject) => {
			waiting.set(id, { resolve, reject });
			worker.postMessage(JSON.stringify({ id, name, args }));
		}) as Promise<Calls[N]['result']>;
	}

	on<N extends EventName>(name: N, told: (data: Events[N]) => void): () => void {
		const listeners = this.#listeners.get(name) ?? new Set();
		this.#listeners.set(name, listeners.add(told as (data: never) => void));
		return () => void listeners.delete(told as (data: never) => void);
	}

	#begin(): { worker: Worker; waiting: Map<number, Waiting> } {
		const worker = startWorker(script);
		const waiting = new Map<number, Waiting>();
		worker.onmessage = ({ data }: MessageEvent<string>) => this.#hear(JSON.parse(data) as Said, worker, waiting);
		return { worker, waiting };
	}

	#hear(said: Said, worker: Worker, waiting: Map<number, Waiting>): void {
		if (said.ended) return this.#ended(said.ended, worker, waiting);
		if (said.event) {
			if (said.event === 'locked') this.#current = this.#begin();
			this.#tell(said.event as EventName, said.data as Events[EventName]);
		}
		if (said.id) answer(said, waiting);
		if (this.#current.worker !== worker && waiting.size === 0) worker.terminate();
	}

	/** Begins anew after a panic, locked. What could not even begin stays so until the page is loaded again. */
	#ended({ panic, message }: NonNullable<Said['ended']>, worker: Worker, waiting: Map<number, Waiting>): void {
		const trouble: Trouble = { code: panic ? 'locked' : 'other', message: message || 'Something went wrong, so it was locked.' };
		for (const { reject } of waiting.values()) reject(new Refused(trouble));
		waiting.clear();
		worker.terminate();
		if (this.#current.worker !== worker) return;
		if (!panic) {
			this.#broken = trouble;
			return;
		}
		this.#current = this.#begin();
		this.#tell('locked', { why: 'panic' });
	}

	#tell<N extends EventName>(name: N, data: Events[N]): void {
		for (const told of this.#listeners.get(name) ?? []) (told as (data: Events[N]) => void)(data);
	}
}

function answer(said: Said, waiting: Map<number, Waiting>): void {
	const caller = waiting.get(said.id ?? 0);
	waiting.delete(said.id ?? 0);
	if (said.error) caller?.reject(new Refused(said.error));
	else caller?.resolve(said.result);
}
