import type { Grant, Grantee, Sharing } from '../messages';
import { inForce } from './reach.svelte';

/** Somebody who is let into parts of a record, with all grants that name them. */
export interface Audience {
	id: string;
	to: Grantee;
	grants: Grant[];
}

/** Everybody who is let in, each once, those who act for the patient first. */
export function audience(sharing: Sharing): Audience[] {
	const all = new Map<string, Audience>();
	for (const grant of sharing.compartments.flatMap(({ grants }) => inForce(grants))) {
		const id = audienceOf(grant.to);
		const known = all.get(id) ?? { id, to: grant.to, grants: [] };
		known.grants.push(grant);
		all.set(id, known);
	}
	return [...all.values()].sort((a, b) => Number(b.to.kind === 'proxy') - Number(a.to.kind === 'proxy'));
}

/** Tells apart whom grants name. Who acts for the patient is somebody else than the same person as themselves. */
export function audienceOf({ kind, expression }: Grantee): string {
	return `${kind} ${expression}`;
}

/** As whom the record is looked at to see what they see. */
export function seenAs({ kind, gid, expression }: Grantee): string {
	return (kind === 'person' || kind === 'proxy') && gid ? gid : expression;
}
