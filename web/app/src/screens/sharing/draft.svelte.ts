import { readGID } from '../../data/gid';
import type { Grantee, GrantDraft } from '../../messages';
import { endOf, type Ending } from './ending';

/** Whom a share is with: everybody with a role, one person, or somebody who acts for the patient. */
export type Kind = 'role' | 'person' | 'proxy';

/** Somebody who is not known yet: their code is pasted. */
export const somebodyNew = 'new';

/** What a patient is about to share, as far as they have answered. */
export class Draft {
	kind = $state<Kind>('role');
	authority = $state('');
	attribute = $state('');
	/** A policy that stands as it is; it is not asked for. */
	expression = $state('');
	/** The pseudonym of somebody known, or somebodyNew. */
	person = $state('');
	code = $state('');
	compartments = $state<string[]>([]);
	write = $state(false);
	fromNow = $state(false);
	ending = $state<Ending>('quarter');
	date = $state('');

	/** Begins with whom it is, and maybe what. */
	static towards(to: Grantee, compartment?: string): Draft {
		const draft = new Draft();
		if (to.gid) {
			draft.kind = to.kind === 'proxy' ? 'proxy' : 'person';
			draft.person = to.gid;
		} else {
			draft.expression = to.expression;
			draft.authority = to.authority ?? '';
			draft.attribute = to.attribute ?? '';
		}
		if (compartment) draft.compartments = [compartment];
		return draft;
	}

	/** Whom it is with, as it is asked for; undefined while that is not answered. */
	get to(): string | undefined {
		if (this.kind === 'role') return this.attribute && this.authority ? `${this.attribute}@${this.authority}` : this.expression || undefined;
		const gid = this.person === somebodyNew ? readGID(this.code) : this.person;
		return gid ? `gid:${gid}` : undefined;
	}

	get until(): string | undefined {
		return endOf(this.ending, this.date);
	}

	message(): GrantDraft {
		return { to: this.to, compartments: [...this.compartments], write: this.write, from_now: this.fromNow, until: this.until, proxy: this.kind === 'proxy' };
	}
}
