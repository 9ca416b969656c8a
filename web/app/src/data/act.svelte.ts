import { untrack } from 'svelte';
import { troubleOf, type Trouble } from './transport';

/** Something that a person sets off: whether it is under way, and what went wrong the last time. */
export class Act {
	busy = $state(false);
	trouble = $state.raw<Trouble>();

	/** Does it, unless it is under way, and tells whether it went well. An effect that does it does not follow how it goes. */
	async run(work: () => Promise<void>): Promise<boolean> {
		if (untrack(() => this.busy)) return false;
		this.busy = true;
		this.trouble = undefined;
		try {
			await work();
			return true;
		} catch (thrown) {
			this.trouble = troubleOf(thrown);
			return false;
		} finally {
			this.busy = false;
		}
	}
}
