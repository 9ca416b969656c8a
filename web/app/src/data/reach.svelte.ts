import type { Grant, Sharing } from '../messages';
import { granteeName } from '../words/people';
import { t } from '../words/words.svelte';
import { call, on } from './link';

let sharing = $state.raw<Sharing>();

/** Keeps up with who can open what of the person's own record, until what it returns is called. */
export function followReach(): () => void {
	// What was known stays while it can't be asked.
	const learn = async () => (sharing = await call('sharing', {}).catch(() => sharing));
	void learn();
	const stop = on('changed', ({ what }) => (what === 'grants' || what === 'access') && void learn());
	return () => {
		stop();
		sharing = undefined;
	};
}

/** Who is let into a part of the person's own record; undefined while that is not known. */
export function grantsOn(compartment: string): readonly Grant[] | undefined {
	return sharing && inForce(sharing.compartments.find(({ name }) => name === compartment)?.grants ?? []);
}

/** The parts of the person's own record, as they were last known. */
export function ownParts(): readonly string[] | undefined {
	return sharing?.compartments.map(({ name }) => name);
}

/** The grants that let somebody in every day: not those that are over, nor those for emergencies. */
export function inForce(grants: readonly Grant[]): Grant[] {
	return grants.filter((grant) => !grant.ended && grant.to.kind !== 'emergency');
}

/** In a few words, who can open something. */
export function reachLabel(grants: readonly Grant[]): string {
	const names = [...new Set(inForce(grants).map(shortName))];
	if (names.length === 0) return t().reach.onlyYou;
	if (names.length <= 2) return names.join(' · ');
	return t().reach.groups(names.length);
}

function shortName({ to }: Grant): string {
	const groups: Partial<Record<string, string>> = t().reach.groupOf;
	return (to.kind === 'role' && groups[to.of ?? '']) || granteeName(to);
}

/** What the list of who can open something hangs on, and what it lists. */
export interface Opened {
	anchor: HTMLElement;
	compartment: string;
	grants: readonly Grant[];
	/** It is the person's own, so they may stop sharing it. */
	own: boolean;
}

let opened = $state.raw<Opened>();

/** The list that is open, if one is. There is one for all chips. */
export function openedReach(): Opened | undefined {
	return opened;
}

export function openReach(next: Opened | undefined): void {
	opened = next;
}
