import type { Calls, Events, Error as Trouble } from '../messages';

export type { Trouble };

/** What can be asked for. */
export type CallName = keyof Calls;
/** What is told unasked. */
export type EventName = keyof Events;

/** How the interface speaks with what holds the record: the worker of this page, or an authority's own program. */
export interface Transport {
	call<N extends CallName>(name: N, args: Calls[N]['args']): Promise<Calls[N]['result']>;
	/** Tells of every event of a name, until what it returns is called. */
	on<N extends EventName>(name: N, told: (data: Events[N]) => void): () => void;
}

/** Is thrown by calls that failed, with words for the person. */
export class Refused extends Error {
	override name = 'Refused';
	constructor(readonly trouble: Trouble) {
		super(trouble.message);
	}
}

/** What went wrong, of anything that was thrown. */
export function troubleOf(thrown: unknown): Trouble {
	if (thrown instanceof Refused) return thrown.trouble;
	return { code: 'other', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
