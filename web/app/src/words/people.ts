import type { Grantee, Person } from '../messages';
import { t } from './words.svelte';

/** Somebody as a sentence names them. */
export function personName(person: Person): string {
	if (person.me) return t().people.you;
	return person.name || t().people.unknown(shortGID(person.gid ?? ''));
}

/** Enough of a pseudonym to tell two apart. */
export function shortGID(gid: string): string {
	return gid.length > 12 ? `${gid.slice(0, 6)}…${gid.slice(-4)}` : gid;
}

/** Who a grant lets in, as a sentence names them: "doctors of city-hospital". */
export function granteeName(to: Grantee): string {
	if (to.kind === 'person' || to.kind === 'proxy') return to.name || t().people.unknown(shortGID(to.gid ?? ''));
	if (to.kind === 'emergency') return t().people.emergency;
	if (to.attribute && to.authority) return t().people.roleOf(roleName(to.attribute), to.authority);
	return policyName(to.expression);
}

/** Who a policy lets in: "Doctors of city-hospital or nurses of city-hospital". */
export function policyName(policy: string): string {
	const { and, or, roleOf } = t().people;
	return policy
		.replaceAll(/\band\b/g, and)
		.replaceAll(/\bor\b/g, or)
		.replaceAll(/([a-z0-9.-]+)@([a-z0-9-]+)(#\d+)?/g, (_, role: string, authority: string) => roleOf(roleName(role), authority));
}

/** Many who hold a role, by themselves: "Doctors". */
export function roleLabel(attribute: string): string {
	return capital(roleName(attribute));
}

/** Many who hold a role: "doctors". */
export function roleName(attribute: string): string {
	const roles: Partial<Record<string, string>> = t().people.roles;
	return roles[attribute] ?? attribute;
}

/** A part of a record, as a person calls it. */
export function partName(compartment: string): string {
	const parts: Partial<Record<string, string>> = t().people.parts;
	return parts[compartment] ?? capital(compartment);
}

/** What something is shared for: a code of HL7's for the common purposes, or the patient's own words. */
export function purposeName(purpose: string): string {
	const purposes: Partial<Record<string, string>> = t().sharing.purposes;
	return t().sharing.purposeIs(purposes[purpose] ?? purpose);
}

/** A text as it begins a line. */
export function capital(text: string): string {
	return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
