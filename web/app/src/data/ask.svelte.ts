import type { Calls, Changed } from '../messages';
import { call, on } from './link';
import { troubleOf, type CallName, type Trouble } from './transport';

/** What a screen shows of a question: the answer, the trouble, or that it waits. The last answer stays while it asks again. */
export interface Asked<T> {
	readonly answer: T | undefined;
	readonly trouble: Trouble | undefined;
	readonly waiting: boolean;
	again(): void;
}

/**
 * Asks a question while a component lives: again when what it asks with changes, and when something happened that it is about.
 * It is called while the component is set up.
 */
export function ask<N extends CallName>(name: N, args: () => Calls[N]['args'], about: readonly Changed['what'][] = []): Asked<Calls[N]['result']> {
	let answer = $state.raw<Calls[N]['result']>();
	let trouble = $state.raw<Trouble>();
	let waiting = $state(true);
	let asked = 0;

	async function again(with_: Calls[N]['args'] = args()): Promise<void> {
		const mine = ++asked;
		waiting = true;
		try {
			const got = await call(name, with_);
			if (mine !== asked) return;
			answer = got;
			trouble = undefined;
		} catch (thrown) {
			if (mine === asked) trouble = troubleOf(thrown);
		} finally {
			if (mine === asked) waiting = false;
		}
	}

	$effect(() => {
		void again(args());
	});
	$effect(() => on('changed', ({ what }) => about.includes(what) && void again()));

	return {
		get answer() {
			return answer;
		},
		get trouble() {
			return trouble;
		},
		get waiting() {
			return waiting;
		},
		again: () => void again(),
	};
}
