import type { Connection, Me, VaultPerson } from '../messages';
import { announce } from '../shell/announce.svelte';
import { t } from '../words/words.svelte';
import { call, on } from './link';
import { troubleOf, type Trouble } from './transport';

/** Whether somebody's record is open in this page. */
export type State = 'starting' | 'locked' | 'opening' | 'open';

let state = $state<State>('starting');
let me = $state.raw<Me>();
let people = $state.raw<VaultPerson[]>([]);
let connection = $state.raw<Connection>({ state: 'online', queued: 0 });
let why = $state('');
let trouble = $state.raw<Trouble>();

/** The person at the screen, and what they are connected to. Screens read it; opening and locking change it. */
export const session = {
	get state(): State {
		return state;
	},
	/** Who is logged in. Only what is shown to somebody logged in reads it. */
	get me(): Me {
		if (!me) throw new Error('nobody is logged in');
		return me;
	},
	/** Whose keys are kept on this device. */
	get people(): readonly VaultPerson[] {
		return people;
	},
	get connection(): Connection {
		return connection;
	},
	/** Why it was locked; empty if the person asked for it. */
	get why(): string {
		return why;
	},
	/** What is so wrong that nothing may be shown. */
	get trouble(): Trouble | undefined {
		return trouble;
	},
};

/** Learns who is here, and follows what is told. It is called once. */
export async function start(): Promise<void> {
	on('connection', (now) => {
		if (now.state !== connection.state) announce(now.state === 'online' ? t().shell.reconnected : t().shell.offline);
		connection = now;
	});
	on('locked', (locked) => closed(locked.why));
	on('changed', ({ what, text }) => {
		if (text) announce(text);
		if (what === 'keys' || what === 'emergency') void learn();
	});
	try {
		const vault = await call('vault.state', {});
		people = vault.people;
		if (vault.open) await opened();
		else state = 'locked';
	} catch (thrown) {
		trouble = troubleOf(thrown);
		state = 'locked';
	}
}

/** Opens a vault by work, which calls vault.unlock or whatever else opens one. It throws what work throws. */
export async function open(work: () => Promise<unknown>): Promise<void> {
	const before = state;
	state = 'opening';
	try {
		await work();
		await opened();
	} catch (thrown) {
		state = before;
		throw thrown;
	}
}

/** Closes the record: what is open in this page is forgotten. */
export async function lock(): Promise<void> {
	closed('');
	await call('vault.lock', {});
}

/** Learns anew who the person is and what they may do. */
export async function learn(): Promise<void> {
	me = await call('me', {});
}

/** Learns anew whose keys are kept on this device. */
export async function look(): Promise<void> {
	people = (await call('vault.state', {})).people;
}

async function opened(): Promise<void> {
	await learn();
	trouble = undefined;
	state = 'open';
	why = '';
	announce(t().shell.opened);
	void look();
}

function closed(because: string): void {
	if (state !== 'locked') announce(t().shell.sealed);
	state = 'locked';
	me = undefined;
	why = because;
}
